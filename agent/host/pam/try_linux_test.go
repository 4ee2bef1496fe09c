package pam_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/pam"
	"tcenvsvr/agent/host/setup"
	"tcenvsvr/agent/host/setup/hosttest"
)

// shapes of /etc/pam.d/su, with what is to become of them.
var shapes = map[string]struct {
	su    string
	files map[string]string // further ones
	block string            // "first": after the first auth line; "top": above all of them; "none"
	say   string
}{
	"EL":                        {su: "#%PAM-1.0\nauth\t\trequired\tpam_env.so\nauth\t\tsufficient\tpam_rootok.so\nauth\t\tsubstack\tsystem-auth\nauth\t\tinclude\t\tpostlogin\naccount\t\tsufficient\tpam_succeed_if.so uid = 0 use_uid quiet\naccount\t\tinclude\t\tsystem-auth\nsession\t\tinclude\t\tsystem-auth\n", block: "first"},
	"Debian":                    {su: "auth       sufficient pam_rootok.so\nsession required pam_env.so\n@include common-auth\n@include common-account\n@include common-session\n", block: "first"},
	"a jump for alice":          {su: "auth [success=ignore default=1] pam_succeed_if.so user = alice\nauth sufficient pam_permit.so\nauth sufficient pam_rootok.so\n@include common-auth\n@include common-account\n", block: "top"},
	"root jumps":                {su: "auth [success=2 default=ignore] pam_rootok.so\nauth requisite pam_wheel.so use_uid group=games\nauth required pam_unix.so\nauth required pam_permit.so\naccount required pam_unix.so\n", block: "top"},
	"wheel in front":            {su: "auth required pam_wheel.so use_uid group=games\nauth sufficient pam_rootok.so\n@include common-auth\n@include common-account\n", block: "none", say: "threatconnect cannot become tc-job by su (the agent uses sudo, so nothing depends on it): running su: "},
	"wheel behind rootok":       {su: "auth sufficient pam_rootok.so\nauth required pam_wheel.so use_uid group=games\n@include common-auth\n@include common-account\n", block: "first"},
	"wheel trusted":             {su: "auth sufficient pam_rootok.so\nauth sufficient pam_wheel.so trust use_uid group=games\n@include common-auth\n@include common-account\n", block: "first"},
	"an include that jumps out": {su: "auth include jumper\nauth requisite pam_wheel.so use_uid group=games\nauth sufficient pam_rootok.so\n@include common-auth\n@include common-account\n", files: map[string]string{"jumper": "auth [success=1 default=ignore] pam_rootok.so\n"}, block: "top"},
	// What our lines leave undecided when credentials are asked for, here a pam_deny decides.
	"credentials refused":      {su: "auth [success=1 default=ignore] pam_succeed_if.so quiet use_uid uid >= 0\nauth requisite pam_deny.so\nauth sufficient pam_rootok.so\nauth required pam_unix.so\naccount required pam_unix.so\n", block: "none", say: "threatconnect cannot become tc-job by su (the agent uses sudo, so nothing depends on it): running su: failed to establish user credentials"},
	"a substack that jumps":    {su: "auth substack jumper\nauth sufficient pam_rootok.so\n@include common-auth\n@include common-account\n", files: map[string]string{"jumper": "auth [success=1 default=ignore] pam_succeed_if.so quiet use_uid uid >= 0\nauth requisite pam_deny.so\nauth optional pam_permit.so\n"}, block: "first"},
	"goes on, no last newline": {su: "account required pam_unix.so\nauth  [success=1 \\\n   default=ignore]  \\\n  pam_rootok.so\nauth required pam_unix.so\nauth required pam_permit.so", block: "top"},
	"carriage returns":         {su: "#%PAM-1.0\r\nauth required pam_env.so \r\nauth sufficient pam_rootok.so \r\nauth required pam_unix.so \r\naccount required pam_unix.so \r\n", block: "first"},
	"su-l jumps into it":       {su: "auth sufficient pam_rootok.so\nauth required pam_unix.so\naccount required pam_unix.so\n", files: map[string]string{"su-l": "auth [success=2 default=ignore] pam_rootok.so\nauth include su\nauth required pam_permit.so\naccount include su\n"}, block: "none", say: `a jump goes across: "auth [success=2 default=ignore] pam_rootok.so" in "/etc/pam.d/su-l"`},
	"faillock in front":        {su: "auth required pam_faillock.so preauth silent audit deny=99\nauth sufficient pam_rootok.so\nauth sufficient pam_unix.so nodelay\nauth [default=die] pam_faillock.so authfail deny=99\nauth required pam_deny.so\naccount required pam_faillock.so\naccount required pam_unix.so\n", block: "first"},
}

// TestSuFromFourUsers tries su as root, the agent, bob and a member of the group that pam_wheel
// asks for, before and after Apply, and after Remove.
func TestSuFromFourUsers(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	hosttest.Sh(t, "useradd -M -s /bin/sh bob; useradd -M -s /bin/sh -G games carol; useradd -M -s /bin/sh alice")
	hosttest.Sh(t, "echo FAIL_DELAY 0 >> /etc/login.defs")
	// EL's, in which a wrong password is counted.
	write(t, "system-auth", "auth required pam_env.so\nauth required pam_faillock.so preauth silent deny=99\nauth sufficient pam_unix.so nodelay\nauth required pam_faillock.so authfail deny=99\nauth required pam_deny.so\naccount required pam_unix.so\nsession required pam_unix.so\n")
	write(t, "postlogin", "session optional pam_umask.so\n")
	for name, c := range shapes {
		t.Run(name, func(t *testing.T) {
			if said, err := hosttest.Report(t, hosttest.Remove(h)); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			t.Cleanup(func() {
				hosttest.Sh(t, "rm -f /etc/pam.d/jumper; printf 'auth include su\naccount include su\nsession include su\n' > /etc/pam.d/su-l")
			})
			for file, text := range c.files {
				write(t, file, text)
			}
			write(t, "su", c.su)
			hosttest.Sh(t, "rm -rf /run/faillock/*")
			before := matrix(t)
			const counted = "find /run/faillock -type f -size +0 2>/dev/null || :"
			if name == "EL" && hosttest.Sh(t, counted) == "" {
				t.Error("su itself counts no failed attempts: nothing is proven by there being none")
			}
			hosttest.Sh(t, "rm -rf /run/faillock/*")
			said, err := hosttest.Report(t, hosttest.Apply(h))
			if err != nil || !strings.Contains(said, c.say) {
				t.Fatalf("%v\n%s\nwant %q", err, said, c.say)
			}
			is, err := os.ReadFile(pam.File)
			if err != nil {
				t.Fatal(err)
			}
			first, _, has := strings.Cut(string(is), pam.Block)
			where := "none"
			if has {
				where = map[bool]string{true: "first", false: "top"}[strings.Contains(first, "auth")]
			}
			if where != c.block {
				t.Errorf("the block stands %q, want %q:\n%s\n%s", where, c.block, is, said)
			}
			if checked, err := hosttest.Report(t, h.Check); err != nil || !strings.Contains(checked, c.say) || c.say == "" && checked != "" {
				t.Errorf("Check: %v\n%s", err, checked)
			}
			if files := hosttest.Sh(t, counted); files != "" {
				t.Errorf("failed attempts were counted: %s", files)
			}
			after := matrix(t)
			for pair, was := range before {
				want := was
				if pair == "threatconnect → tc-job" {
					want = c.block != "none"
				}
				if after[pair] != want {
					t.Errorf("%s: %v, before %v", pair, after[pair], was)
				}
			}
			if said, err := hosttest.Report(t, hosttest.Remove(h)); err != nil {
				t.Errorf("%v\n%s", err, said)
			}
			if is, err := os.ReadFile(pam.File); err != nil || string(is) != c.su {
				t.Errorf("after Remove: %q, %v", is, err)
			}
		})
	}
}

func write(t *testing.T, service, text string) {
	t.Helper()
	if err := os.WriteFile("/etc/pam.d/"+service, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// matrix is who becomes whom by the host's su, as it is, without a password.
func matrix(t *testing.T) map[string]bool {
	t.Helper()
	m := map[string]bool{}
	type result struct {
		pair string
		ok   bool
	}
	results := make(chan result)
	n := 0
	for _, from := range []string{"root", layout.Agent, "bob", "carol"} {
		for _, to := range []string{layout.Sandbox, "root", "alice"} {
			n++
			go func() {
				_, err := hosttest.As(t, from, "su "+to+" -c true </dev/null")
				results <- result{from + " → " + to, err == nil}
			}()
		}
	}
	for range n {
		r := <-results
		m[r.pair] = r.ok
	}
	return m
}

// TestProofRefusesWhatReadingWouldNot: were the block placed where it must not be, trying it would
// say so, and of whom.
func TestProofRefusesWhatReadingWouldNot(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for name, c := range map[string]struct{ above, below, say string }{
		"others become root": {"auth [success=ignore default=1] pam_succeed_if.so user = alice\n", "auth sufficient pam_permit.so\nauth required pam_unix.so\n", "becomes root, and without them"},
		"root may not":       {"auth [success=2 default=ignore] pam_rootok.so\n", "auth requisite pam_wheel.so use_uid group=games\nauth required pam_unix.so\nauth required pam_permit.so\n", "root does not become"},
		"with the password":  {"auth [success=1 default=ignore] pam_unix.so\n", "auth requisite pam_deny.so\nauth required pam_permit.so\n", ", and without them "},
	} {
		useful, err := pam.Prove(t.Context(), []byte(c.above+c.below), []byte(c.above+pam.Block+"\n"+c.below))
		if useful || err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v, %v; want %q", name, useful, err, c.say)
		}
	}
}

// TestNothingRunsAsAnybodyInATrial: in its namespace every password may be right, so a process that
// another one of its user could take over would be a way to root.
func TestNothingRunsAsAnybodyInATrial(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	hosttest.Sh(t, "mkdir -m 1777 /run/trial; printf '#!/bin/sh\\nid >> /run/trial/ran\\n' > /run/trial/shell; chmod 755 /run/trial/shell")
	hosttest.Sh(t, "for u in root nobody tc-job threatconnect; do usermod -s /run/trial/shell $u; done")
	if _, err := hosttest.As(t, layout.Agent, "su tc-job -c true </dev/null"); err != nil || hosttest.Sh(t, "cat /run/trial/ran") == "" {
		t.Fatalf("the shell does not tell that it runs: %v", err)
	}
	hosttest.Sh(t, "rm /run/trial/ran")
	if said, err := hosttest.Report(t, h.Check); err != nil || strings.Contains(said, "su:") {
		t.Errorf("%v\n%s", err, said)
	}
	if ran, err := os.ReadFile("/run/trial/ran"); err == nil {
		t.Errorf("it ran:\n%s", ran)
	}
}

// TestCheckFindsABlockInReach: an administrator's jump above the block, written later, is found and
// mended.
func TestCheckFindsABlockInReach(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	const above, below = "auth [success=ignore default=1] pam_succeed_if.so user = alice\n", "auth sufficient pam_permit.so\nauth sufficient pam_rootok.so\n@include common-auth\naccount required pam_unix.so\n"
	write(t, "su", above+pam.Block+"\n"+below)
	if said, err := hosttest.Report(t, h.Check); !errors.Is(err, setup.ErrDeviates) || !strings.Contains(said, "where a jump counts it") {
		t.Errorf("Check: %v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Errorf("Apply: %v\n%s", err, said)
	}
	if is, _ := os.ReadFile(pam.File); string(is) != pam.Block+"\n"+above+below {
		t.Errorf("it is now\n%s", is)
	}
	// Where no place is left, it is taken out.
	write(t, "su-l", "auth [success=2 default=ignore] pam_rootok.so\nauth include su\nauth required pam_permit.so\n")
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil || !strings.Contains(said, "taken out") {
		t.Errorf("Apply: %v\n%s", err, said)
	}
	if is, _ := os.ReadFile(pam.File); string(is) != above+below {
		t.Errorf("it is now\n%s", is)
	}
}

// TestModelDecidesAsLibpam compares the model of the tests with the host's libpam: stacks of
// pam_debug, which answers what it is told, with whatever answers chance has them give.
func TestModelDecidesAsLibpam(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	debian := strings.Contains(hosttest.Sh(t, "cat /etc/os-release"), "debian")
	yes := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		files := pam.RandomStack(r)
		answers := map[string]string{}
		for i := range 4 {
			answers[fmt.Sprintf("m%d.so", i)] = []string{"success", "auth_err", "ignore"}[r.IntN(3)]
		}
		want := pam.ModelDecides(files, answers, debian) == "success"
		if want {
			yes++
		}
		for file, text := range files {
			for module, answer := range answers {
				text = strings.ReplaceAll(text, module, "pam_debug.so auth="+answer+" cred=success")
			}
			files[file] = text
		}
		files["su"] += "account required pam_permit.so\n"
		for _, file := range []string{"x", "y", "su"} {
			write(t, file, files[file])
		}
		got, out, err := pam.NobodyBecomesRoot(t.Context(), []byte(files["su"]))
		if err != nil {
			t.Fatal(err)
		}
		// Whether credentials follow is another matter: a refusal there comes after a yes.
		got = got || out != nil && strings.Contains(out.Error(), "credentials")
		if got != want {
			t.Errorf("seed %d, %v: libpam says %v (%v), the model %v:\n%s\nx: %s\ny: %s", seed, answers, got, out, want, files["su"], files["x"], files["y"])
		}
	}
	if yes < 5 {
		t.Errorf("only %d stacks let anybody in: the test compares too little", yes)
	}
}

// TestWithoutANamespace: where su cannot be tried, the block still comes, as reading was enough,
// and it is said.
func TestWithoutANamespace(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	t.Setenv("TMPDIR", "/run/gone") // nowhere to lay copies
	var steps []string
	for _, do := range []func(context.Context, func(setup.Result)) error{hosttest.Remove(h), hosttest.Apply(h), h.Check} {
		said, err := hosttest.Report(t, do)
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		steps = append(steps, said)
	}
	for _, said := range steps[1:] {
		if !strings.Contains(said, "what our lines do was read from the files, but could not be tried: ") {
			t.Errorf("it does not say that nobody tried:\n%s", said)
		}
	}
	if is, _ := os.ReadFile(pam.File); !strings.Contains(string(is), pam.Block) {
		t.Errorf("no block:\n%s", is)
	}
}

func TestOneBlockWhateverRunsAtOnce(t *testing.T) {
	hosttest.Machine(t)
	original, err := os.ReadFile(pam.File)
	if err != nil {
		t.Fatal(err)
	}
	with, err := pam.Insert(original)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 40 {
		look := pam.PlanInsert
		if i%2 == 1 {
			look = pam.PlanRemove
		}
		wg.Go(func() {
			found, _ := look(context.Background())
			for _, f := range found {
				if f.Do != nil {
					_ = f.Do(context.Background())
				}
			}
		})
	}
	wg.Wait()
	got, err := os.ReadFile(pam.File)
	if err != nil || string(got) != string(original) && string(got) != string(with) {
		t.Errorf("%v: %s", err, got)
	}
	if left := hosttest.Sh(t, "ls -A /etc/pam.d | grep tmp || :"); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestReplaceKeepsAttributes(t *testing.T) {
	hosttest.Machine(t)
	hosttest.Sh(t, "setfattr -n trusted.test -v kept /etc/pam.d/su || true")
	if err := unix.Setxattr(pam.File, "trusted.test", []byte("kept"), 0); err != nil {
		t.Fatal(err)
	}
	is, err := os.ReadFile(pam.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := pam.Replace(pam.File, []byte("something else"), is); err == nil || !strings.Contains(err.Error(), "changed by somebody else") {
		t.Errorf("a file that changed meanwhile: %v", err)
	}
	if err := pam.Replace(pam.File, is, append(is, '\n')); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	n, err := unix.Getxattr(pam.File, "trusted.test", buf)
	if got := fmt.Sprintf("%s %v", buf[:max(n, 0)], err); got != "kept <nil>" {
		t.Errorf("the attribute is %s", got)
	}
}
