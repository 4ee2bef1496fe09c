package provision

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestBlockComesAfterTheFirstAuthLine(t *testing.T) {
	b := block + "\n"
	for name, c := range map[string]struct{ before, want string }{
		"EL":              {"#%PAM-1.0\nauth\t\trequired\tpam_env.so\nauth\tsufficient\tpam_rootok.so\n", "#%PAM-1.0\nauth\t\trequired\tpam_env.so\n" + b + "auth\tsufficient\tpam_rootok.so\n"},
		"a dash":          {"-auth optional pam_x.so\naccount x\n", "-auth optional pam_x.so\n" + b + "account x\n"},
		"capitals":        {"AUTH sufficient pam_rootok.so\n", "AUTH sufficient pam_rootok.so\n" + b},
		"a long line":     {"auth [default=1 \\\n success=ok] \\\n pam_x.so\nauth y\n", "auth [default=1 \\\n success=ok] \\\n pam_x.so\n" + b + "auth y\n"},
		"no last newline": {"account x\nauth sufficient pam_rootok.so", "account x\nauth sufficient pam_rootok.so\n" + block},
		"a comment first": {"# auth sufficient nothing\n@include common-auth\nauth a\n", "# auth sufficient nothing\n@include common-auth\nauth a\n" + b},
		"an old block":    {"auth a\n# BEGIN threatconnect-envsvr of old\nauth old\n# END threatconnect-envsvr\nauth b\n", "auth a\n" + b + "auth b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := insertBlock([]byte(c.before))
			if err != nil || string(got) != c.want {
				t.Fatalf("got %q, %v\nwant %q", got, err, c.want)
			}
			if again, err := insertBlock(got); err != nil || !bytes.Equal(again, got) {
				t.Errorf("the second time: %q, %v", again, err)
			}
		})
	}
}

func TestWhatCannotBeEditedIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"no auth line":                       {"account required pam_unix.so\n@include common-auth\n", errNoAuth},
		"empty":                              {"", errNoAuth},
		"a line that goes on behind the end": {"auth a \\", errNoAuth},
		"no END":                             {"auth a\n# BEGIN threatconnect-envsvr\nauth b\n", errMarkers},
		"no BEGIN":                           {"auth a\n# END threatconnect-envsvr\nauth b\n", errMarkers},
		"two blocks":                         {"auth a\n" + block + "\n" + block + "\n", errMarkers},
		"END first":                          {"auth a\n# END threatconnect-envsvr\n# BEGIN threatconnect-envsvr\n", errMarkers},
	} {
		if got, err := insertBlock([]byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %q, %v; want %v", name, got, err, c.want)
		}
	}
}

// FuzzBlock: whatever the file is, it comes back byte by byte.
func FuzzBlock(f *testing.F) {
	for _, s := range []string{"auth a\n", "auth a", "x\nauth a\\\n b\\", "\r\nauth a\r\nauth b", "auth", "\n\nauth x\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "threatconnect-envsvr") {
			t.Skip()
		}
		with, err := insertBlock(text)
		if err != nil {
			return
		}
		if again, err := insertBlock(with); err != nil || !bytes.Equal(again, with) {
			t.Fatalf("%q: inserting twice gives %q, %v", text, again, err)
		}
		if got, err := stripBlock(with); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%q came back as %q, %v", text, got, err)
		}
	})
}
