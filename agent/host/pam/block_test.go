package pam

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
)

// lone is a su file that includes what is in files; those that are services are told.
func lone(files map[string]string, services ...string) *stack {
	return &stack{path: "su", services: append([]string{"su"}, services...), files: func(name string) (string, []byte, error) {
		text, ok := files[name]
		if !ok && name != "su" {
			return "", nil, fs.ErrNotExist
		}
		return name, []byte(text), nil
	}}
}

const b = block + "\n"

func TestWhereTheBlockStands(t *testing.T) {
	const wheel = "auth required pam_wheel.so use_uid\n"
	for name, c := range map[string]struct {
		before, want string
		files        map[string]string
	}{
		"EL":              {before: "#%PAM-1.0\nauth\t\trequired\tpam_env.so\nauth\tsufficient\tpam_rootok.so\n", want: "#%PAM-1.0\nauth\t\trequired\tpam_env.so\n" + b + "auth\tsufficient\tpam_rootok.so\n"},
		"a dash":          {before: "-auth optional pam_x.so\naccount x\n", want: "-auth optional pam_x.so\n" + b + "account x\n"},
		"capitals":        {before: "AUTH sufficient pam_rootok.so\n", want: "AUTH sufficient pam_rootok.so\n" + b},
		"a long line":     {before: "auth required \\\n pam_x.so \\\n y\nauth y\n", want: "auth required \\\n pam_x.so \\\n y\n" + b + "auth y\n"},
		"no last newline": {before: "account x\nauth sufficient pam_rootok.so", want: "account x\nauth sufficient pam_rootok.so\n" + block},
		"a comment first": {before: "# auth sufficient nothing\nauth a\n", want: "# auth sufficient nothing\nauth a\n" + b},
		"carriage return": {before: "auth required pam_x.so\\\r\nauth a\r\n", want: "auth required pam_x.so\\\r\n" + b + "auth a\r\n"},
		"an old block":    {before: "auth a\n# BEGIN threatconnect-envsvr of old\nauth old\n# END threatconnect-envsvr\nauth b\n", want: "auth a\n" + b + "auth b\n"},
		"pam_wheel":       {before: wheel + "auth x\n", want: wheel + b + "auth x\n"},
		"moved by hand":   {before: b + wheel + "auth x\n", want: b + wheel + "auth x\n"},

		"one jump":                 {before: "# x\nauth [success=ignore default=1] pam_succeed_if.so user = alice\nauth sufficient pam_x.so\nauth y\n", want: "# x\n" + b + "auth [success=ignore default=1] pam_succeed_if.so user = alice\nauth sufficient pam_x.so\nauth y\n"},
		"root's own":               {before: "auth [success=2 default=ignore] pam_rootok.so\nauth a\nauth b\nauth c\n", want: b + "auth [success=2 default=ignore] pam_rootok.so\nauth a\nauth b\nauth c\n"},
		"a block in reach":         {before: "auth [success=1 default=ignore] pam_rootok.so\n" + b + "auth a\nauth c\n", want: b + "auth [success=1 default=ignore] pam_rootok.so\nauth a\nauth c\n"},
		"a jump beyond the end":    {before: "auth [success=3 default=ignore] a\nauth b\nauth c\n", want: b + "auth [success=3 default=ignore] a\nauth b\nauth c\n"},
		"over other kinds":         {before: "auth [success=1] a\naccount x\nsession x\nauth b\nauth c\n", want: b + "auth [success=1] a\naccount x\nsession x\nauth b\nauth c\n"},
		"a jump in a long line":    {before: "auth [success=ok \\\n default=1] a\nauth b\nauth c\n", want: b + "auth [success=ok \\\n default=1] a\nauth b\nauth c\n"},
		"no blank behind":          {before: "auth [success=1]a\nauth b\nauth c\n", want: b + "auth [success=1]a\nauth b\nauth c\n"},
		"words run together":       {before: "auth [success=okdefault=1] a\nauth b\nauth c\n", want: b + "auth [success=okdefault=1] a\nauth b\nauth c\n"},
		"no control libpam reads":  {before: "auth [succeeds=1] a\nauth b\nauth c\n", want: "auth [succeeds=1] a\n" + b + "auth b\nauth c\n"},
		"no jump of zero":          {before: "auth [success=0] a\nauth b\n", want: "auth [success=0] a\n" + b + "auth b\n"},
		"default says nothing new": {before: "auth [default=ok default=1] a\nauth b\n", want: "auth [default=ok default=1] a\n" + b + "auth b\n"},
		"a bracket in brackets":    {before: "auth [success=ok \\] default=1] a\nauth b\n", want: "auth [success=ok \\] default=1] a\n" + b + "auth b\n"},
		"a jump in a comment":      {before: "auth required a # [success=1] \\\nauth b\n", want: "auth required a # [success=1] \\\n" + b + "auth b\n"},
		"a jump of account":        {before: "account [success=1] a\nauth b\naccount c\naccount d\n", want: "account [success=1] a\nauth b\n" + b + "account c\naccount d\n"},

		"a jump out of an include":   {before: "auth include x\nauth b\nauth c\n", want: b + "auth include x\nauth b\nauth c\n", files: map[string]string{"x": "auth [success=1] a\n"}},
		"a jump to an include's end": {before: "auth include x\nauth c\n", want: "auth include x\n" + b + "auth c\n", files: map[string]string{"x": "auth [success=1] a\nauth b\n"}},
		"a jump in a substack":       {before: "auth substack x\nauth c\n", want: "auth substack x\n" + b + "auth c\n", files: map[string]string{"x": "auth [success=3] a\n"}},
		"a jump in Debian's include": {before: "@include x\nauth b\nauth c\n", want: b + "@include x\nauth b\nauth c\n", files: map[string]string{"x": "account x\nauth [success=2] a\n"}},
		"Debian's include on EL":     {before: "auth [success=1] a\n@include x\nauth c\n", want: b + "auth [success=1] a\n@include x\nauth c\n", files: map[string]string{"x": ""}},
		"a missing include":          {before: "auth include x\nauth c\n", want: "auth include x\n" + b + "auth c\n"},
		"includes itself":            {before: "auth required a\nauth include su\nauth c\n", want: "auth required a\n" + b + "auth include su\nauth c\n"},
		"an unknown kind is counted": {before: "auth [success=1] a\nautch required b\nauth c\n", want: b + "auth [success=1] a\nautch required b\nauth c\n"},
		"an include in an include":   {before: "auth include x\nauth b\nauth c\n", want: b + "auth include x\nauth b\nauth c\n", files: map[string]string{"x": "auth include y\n", "y": "auth [success=1] a\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := lone(c.files)
			got, err := s.insertBlock([]byte(c.before))
			if err != nil || string(got) != c.want {
				t.Fatalf("got %q, %v\nwant %q", got, err, c.want)
			}
			if again, err := s.insertBlock(got); err != nil || !bytes.Equal(again, got) {
				t.Errorf("the second time: %q, %v", again, err)
			}
		})
	}
}

func TestWhatCannotBeEditedIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		files map[string]string
		say   string
	}{
		"no auth line":                       {"account required pam_unix.so\n@include common-auth\n", nil, errNoAuth.Error()},
		"empty":                              {"", nil, errNoAuth.Error()},
		"a line that goes on behind the end": {"auth a \\", nil, "ends in a line that goes on"},
		"a line that goes on in a comment":   {"auth a \\\n# x\nb\n", nil, "goes on in an empty line or a comment"},
		"a line that goes on in nothing":     {"auth a \\\n\nb\n", nil, "goes on in an empty line or a comment"},
		"a line that is too long":            {"auth a " + strings.Repeat("x", 1023) + "\n", nil, `the line that begins "auth a xxx`},
		"a zero byte":                        {"auth a\x00\n", nil, "zero byte"},
		"no END":                             {"auth a\n# BEGIN threatconnect-envsvr\nauth b\n", nil, errMarkers.Error()},
		"no BEGIN":                           {"auth a\n# END threatconnect-envsvr\n", nil, errMarkers.Error() + " (an END without a BEGIN)"},
		"two blocks":                         {"auth a\n" + block + "\n" + block + "\n", nil, errMarkers.Error()},
		"END first":                          {"auth a\n# END threatconnect-envsvr\n# BEGIN threatconnect-envsvr\n", nil, errMarkers.Error()},
		"su-l jumps into it":                 {"auth a\nauth b\nauth c\n", map[string]string{"su-l": "auth [success=2] x\nauth include su\n"}, `a jump goes across: "auth [success=2] x" in "su-l"`},
		"Debian's @include after a jump":     {"auth a\nauth b\nauth c\n", map[string]string{"su-l": "auth [success=2] x\n@include su\n"}, "a jump goes across"},
		"includes without end":               {"auth include su\nauth include su\nauth a\n", nil, `"su" and what it includes have more than 10000 lines`},
		"Debian's @include of nothing":       {"auth a\n@include gone\n", nil, `"su" includes "gone", which cannot be read`},
		"a jump over all that there is":      {"auth [success=4294967297 default=ignore] a\nauth b\n", nil, "the jump in [success=4294967297 default=ignore] is too far"},
		"a jump out of it from an include":   {"auth [success=1] a\nauth include x\nauth include su\n", map[string]string{"x": ""}, "a jump goes across"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := lone(c.files, "su-l").insertBlock([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %q, %v; want %q", got, err, c.say)
			}
		})
	}
}

// TestProofOfOtherEdits: whatever edits the su file, only a block that changes nothing for others
// passes.
func TestProofOfOtherEdits(t *testing.T) {
	const before = "auth a\nauth b\n"
	mark, lines, end := blockBegin+"\n", blockLines+"\n", blockEnd+"\n"
	for name, c := range map[string]struct{ after, say string }{
		"nothing":               {before, "the lines are never come to"},
		"a line in the block":   {"auth a\n" + mark + lines + "auth c\n" + end + "auth b\n", "the two lines do not stand together"},
		"a line for one":        {"auth a\n" + mark + strings.SplitAfter(lines, "\n")[0] + end + "auth b\n", "the two lines do not stand together"},
		"a line beside it":      {"auth a\n" + b + "auth b\nauth c\n", "other lines changed"},
		"another line":          {"auth a\n" + b + "auth c\n", "other lines changed"},
		"another control value": {"auth [default=1] a\n" + b + "auth b\n", "other lines changed"},
		"our lines alone":       {b, "other lines changed"},
	} {
		if err := lone(nil).allows([]byte(before), []byte(c.after)); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: got %v, want %q", name, err, c.say)
		}
	}
	if err := lone(nil).allows([]byte(before), []byte("auth a\n"+b+"auth b\n")); err != nil {
		t.Error(err)
	}
}

// TestOtherServicesDoNotMatter: a file that nobody can read, but which has no su in it, keeps su
// from nothing.
func TestOtherServicesDoNotMatter(t *testing.T) {
	s := lone(map[string]string{"x": "auth \\", "y": "auth substack su\nauth [success=9] z\n"}, "x", "y", "gone")
	if got, err := s.insertBlock([]byte("auth a\nauth c\n")); err != nil || string(got) != "auth a\n"+b+"auth c\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// FuzzBlock: whatever the file is, it comes back byte by byte, and inserting again changes nothing.
func FuzzBlock(f *testing.F) {
	for _, s := range []string{"auth a\n", "auth a", "x\nauth a\\\n b\\", "\r\nauth a\r\nauth b", "auth", "\n\nauth x\n\n", "auth [default=1] a\nauth b\nauth c", "@include x\n-auth substack x\nauth b"} {
		f.Add([]byte(s), []byte("auth [success=1 default=ignore] q\n"))
	}
	f.Fuzz(func(t *testing.T, text, included []byte) {
		if strings.Contains(string(text), "threatconnect-envsvr") {
			t.Skip()
		}
		s := lone(map[string]string{"x": string(included)})
		with, err := s.insertBlock(text)
		if err != nil {
			return
		}
		if again, err := s.insertBlock(with); err != nil || !bytes.Equal(again, with) {
			t.Fatalf("%q: inserting twice gives %q, %v", text, again, err)
		}
		if got, err := stripBlock(with); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%q came back as %q, %v", text, got, err)
		}
	})
}
