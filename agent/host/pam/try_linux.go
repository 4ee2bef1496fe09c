package pam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/host/tool"
)

// How a su file is tried. The host's own su runs with the host's own modules, but in a mount
// namespace in which the PAM files are copies of what would be there: the real file is not touched
// before it is known to be right. Nobody is asked for a password, nobody is locked out and nothing
// is left behind, because in these copies
//
//   - a module that may ask somebody or count something (pam_unix, pam_sss, pam_faillock, one that
//     calls a telephone) answers as after a wrong password, and in a second round as after a right
//     one: a jump over it must lead to the same decision in both;
//   - no session opens: su ends after its decision. So there is no cgroup and no mail, and where
//     every password is right nothing runs as another user, which that user could take over;
//   - btmp and the system's log are hidden, so no alarm goes off for a failed su.
//
// The kernel's audit still records that root tried.

// quiet are the modules that decide by the users alone: they ask nobody and count nothing.
var quiet = strings.Fields("pam_succeed_if pam_rootok pam_wheel pam_permit pam_deny pam_env pam_listfile pam_access pam_time " +
	"pam_localuser pam_usertype pam_group pam_shells pam_nologin pam_securetty pam_faildelay pam_warn pam_debug")

// quietAccounts are the quiet modules for account lines: these two only look the account up.
var quietAccounts = append(slices.Clone(quiet), "pam_unix", "pam_sss")

// What stands in for modules that would ask. With use_first_pass pam_unix checks the password that
// an earlier module asked for, and none did. pam_deny would also refuse what follows the question.
const (
	wrong = "pam_unix.so use_first_pass nodelay"
	right = "pam_permit.so"
)

// try is one use of su, and its result.
type try struct {
	from, to string
	became   bool
	err      error // of su
}

func (t try) String() string {
	if t.became {
		return fmt.Sprintf("%s becomes %s", t.from, t.to)
	}
	return fmt.Sprintf("%s does not become %s", t.from, t.to)
}

// prove tries the su file with and without our lines. useful says that the agent's user becomes the
// sandbox user with them and not without. The error says that somebody else would be decided about
// differently. A finding says that su does not work with them either, or could not be tried.
func (s *stack) prove(ctx context.Context, plain, with []byte) (found []plan.Finding, useful bool, err error) {
	accounts, ok := participants(ctx)
	if !ok {
		return nil, true, nil
	}
	var tries [4][]try
	errs := make([]error, 4)
	done := make(chan struct{})
	for i, text := range [][]byte{plain, with, plain, with} {
		answer := wrong
		if i >= 2 {
			answer = right
		}
		go func() {
			defer func() { done <- struct{}{} }()
			// The thread is in a namespace of its own for good: it ends with this function.
			runtime.LockOSThread()
			tries[i], errs[i] = s.try(ctx, text, answer, accounts)
		}()
	}
	for range tries {
		<-done
	}
	if err := errors.Join(errs...); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return []plan.Finding{{Text: fmt.Sprintf("what our lines do was read from the files, but could not be tried: %s", first)}}, true, nil
	}
	for i := 0; i < len(tries); i += 2 {
		for j, was := range tries[i] {
			is := tries[i+1][j]
			if ours := is.from == layout.Agent && is.to == layout.Sandbox; !ours && is.became != was.became {
				return nil, false, fmt.Errorf("with them %v, and without them %v", is, was)
			}
		}
	}
	if agent := tries[1][0]; !agent.became {
		return []plan.Finding{{Text: fmt.Sprintf("%s cannot become %s by su (the agent uses sudo, so nothing depends on it): %v", layout.Agent, layout.Sandbox, agent.err), Hand: byHand}}, false, nil
	}
	return nil, !tries[0][0].became, nil
}

// participants are the users between whom su is tried: the agent's user, the sandbox user, root,
// and one that has nothing to do with us.
func participants(ctx context.Context) (map[string]tool.Account, bool) {
	if os.Geteuid() != 0 {
		return nil, false // cannot be anybody else
	}
	accounts := map[string]tool.Account{"root": {}}
	for _, name := range []string{layout.Agent, layout.Sandbox} {
		a, err := tool.LookupUser(ctx, name)
		if err != nil {
			return nil, false // the first step of the setup reports it
		}
		accounts[name] = a
	}
	for _, name := range []string{"nobody", "daemon", "bin"} {
		if a, err := tool.LookupUser(ctx, name); err == nil && a.UID != 0 {
			accounts[name] = a
			break
		}
	}
	return accounts, true
}

// pairs are the uses of su that are tried. That of the agent's user comes first.
func pairs(accounts map[string]tool.Account) []try {
	all := []try{{from: layout.Agent, to: layout.Sandbox}, {from: layout.Agent, to: "root"}, {from: "root", to: layout.Sandbox}}
	for name := range accounts {
		if name != layout.Agent && name != layout.Sandbox && name != "root" {
			all = append(all, try{from: name, to: layout.Sandbox}, try{from: name, to: "root"}, try{from: "root", to: name})
		}
	}
	return all
}

// try uses su with the given su file. It must be called on a locked thread that ends afterwards.
func (s *stack) try(ctx context.Context, text []byte, answer string, accounts map[string]tool.Account) ([]try, error) {
	if err := s.enter(text, answer); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	tries := pairs(accounts)
	running := make([]*exec.Cmd, len(tries))
	outs := make([]bytes.Buffer, len(tries))
	var failed error
	for i, t := range tries {
		c, err := tool.CommandAs(ctx, accounts[t.from], "su", t.to, "-c", "true")
		if err != nil {
			failed = err
			break
		}
		c.Stdout, c.Stderr = &outs[i], &outs[i]
		if failed = c.Start(); failed != nil {
			break
		}
		running[i] = c
	}
	for i, c := range running {
		if c == nil {
			continue
		}
		err := c.Wait()
		tries[i].became = err == nil || strings.Contains(outs[i].String(), "cannot open session")
		tries[i].err = tool.Failure("su", outs[i].String(), err)
		if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited && failed == nil {
			failed = err
		}
	}
	return tries, errors.Join(failed, ctx.Err())
}

// enter gives the calling thread a mount namespace of its own, in which the PAM files are copies.
func (s *stack) enter(text []byte, answer string) error {
	copies, err := s.copies(text, answer)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tcenvsvr-su-")
	if err != nil {
		return err
	}
	defer os.Remove(dir) // on the host it is empty
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	options := "mode=0755"
	label := make([]byte, 256)
	if n, err := unix.Lgetxattr(filepath.Dir(File), "security.selinux", label); err == nil && tool.SELinux() {
		options += `,context="` + strings.TrimRight(string(label[:n]), "\x00") + `"`
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mounting a tmpfs: %w", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH) //nolint:errcheck // what is bound stays where it is
	for path, content := range copies {
		file, err := os.CreateTemp(dir, "")
		if err != nil {
			return err
		}
		_, err = file.Write(content)
		if err := errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
			return err
		}
		if err := unix.Mount(file.Name(), path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("laying a copy over %q: %w", path, err)
		}
	}
	for _, path := range []string{"/dev/log", "/var/log/btmp"} {
		if path, err := filepath.EvalSymlinks(path); err == nil {
			if err := unix.Mount("/dev/null", path, "", unix.MS_BIND, ""); err != nil {
				return fmt.Errorf("laying /dev/null over %q: %w", path, err)
			}
		}
	}
	return nil
}

// copies are the su file and all files that it includes, made quiet, by path.
func (s *stack) copies(text []byte, answer string) (map[string][]byte, error) {
	copies := map[string][]byte{}
	var add func(path string, text []byte) error
	add = func(path string, text []byte) error {
		if _, ok := copies[path]; ok {
			return nil
		}
		lines, err := pamLines(text)
		if err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		var b bytes.Buffer
		for _, l := range lines {
			if l.kind != "session" && l.kind != "password" {
				fmt.Fprintln(&b, l.quiet(answer), "#") // so that a backslash at its end continues nothing
			}
		}
		copies[path] = b.Bytes()
		for _, l := range lines {
			if control := strings.ToLower(l.control); l.kind != "@include" && control != "include" && control != "substack" {
				continue
			}
			if path, text, err := s.files(l.module); err == nil && path != s.path {
				if err := add(path, text); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := add(s.path, text); err != nil {
		return nil, err
	}
	copies[s.path] = append(copies[s.path], "session requisite pam_deny.so\n"...)
	if logins, err := os.ReadFile("/etc/login.defs"); err == nil {
		copies["/etc/login.defs"] = append(logins, "\nFAIL_DELAY 0\n"...) // the last one counts
	}
	return copies, nil
}

// quiet returns the line with a module that asks nobody.
func (l pamLine) quiet(answer string) string {
	name := strings.TrimSuffix(filepath.Base(l.module), ".so")
	known, instead := quiet, answer
	if l.kind == "account" {
		known, instead = quietAccounts, right
	}
	switch control := strings.ToLower(l.control); {
	case l.module == "" || l.kind == "@include" || control == "include" || control == "substack":
		return l.text
	case name == "pam_faildelay":
		instead = l.module + " delay=0"
	case slices.Contains(known, name), l.kind == "auth" && name == "pam_faillock" && strings.Contains(l.text[l.to:], "preauth"):
		return l.text
	}
	return l.text[:l.at] + instead
}
