package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/disk/atomicfile"
)

const sudoersFile = "/etc/sudoers.d/threatconnect"

// SudoersRule is the content of /etc/sudoers.d/threatconnect. With these defaults sudo
// becomes the job's supervisor, in the service's own cgroup (see job.Sudo).
const SudoersRule = `# Lets the Environment Server run Apps as the sandbox user, and do nothing else.
Defaults:` + Agent + ` !requiretty, !use_pty, !pam_session, !pam_setcred
` + Agent + ` ALL=(` + Sandbox + `) NOPASSWD: ALL
`

func sudoers(ctx context.Context, _ *Host) ([]Finding, error) {
	if find("visudo") == "" {
		return []Finding{{Text: "sudo is not installed (no visudo), so its rule was neither checked nor written", Try: "dnf install sudo, then tcenvsvr host apply"}}, nil
	}
	is, err := os.ReadFile(sudoersFile)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return []Finding{{Text: fmt.Sprintf("%q does not exist", sudoersFile), Fix: "written", do: writeSudoers}}, nil
	case err != nil:
		return nil, err
	}
	var found []Finding
	if !bytes.Equal(is, []byte(SudoersRule)) {
		if err := valid(ctx, sudoersFile); err != nil {
			// One bad file can cost everybody sudo. Nothing is lost: sudo ignores names that end in ~.
			return []Finding{{
				Text: fmt.Sprintf("%q is not valid: %v", sudoersFile, err), Fix: "set aside as " + filepath.Base(sudoersFile) + "~ and written anew",
				do: func(ctx context.Context) error {
					if err := atomicfile.Rename(sudoersFile, sudoersFile+"~"); err != nil {
						return err
					}
					return writeSudoers(ctx)
				},
			}}, nil
		}
		found = append(found, Finding{Text: fmt.Sprintf("%q was changed by hand, and is kept", sudoersFile)})
	}
	var st unix.Stat_t
	if err := unix.Lstat(sudoersFile, &st); err != nil {
		return found, &os.PathError{Op: "stat", Path: sudoersFile, Err: err}
	}
	if st.Mode&0o7777 != 0o440 || st.Uid != 0 || st.Gid != 0 {
		found = append(found, Finding{
			Text: fmt.Sprintf("%q is %d:%d %04o, not root:root 0440", sudoersFile, st.Uid, st.Gid, st.Mode&0o7777), Fix: "set",
			do: func(context.Context) error {
				return errors.Join(os.Lchown(sudoersFile, 0, 0), os.Chmod(sudoersFile, 0o440))
			},
		})
	}
	return found, nil
}

func sudoersGone(_ context.Context, h *Host) ([]Finding, error) {
	if h.Packaged {
		return nil, nil // it is the package's file
	}
	is, err := os.ReadFile(sudoersFile)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !bytes.Equal(is, []byte(SudoersRule)):
		return []Finding{{
			Text: fmt.Sprintf("%q was changed by hand", sudoersFile), Fix: "kept as " + filepath.Base(sudoersFile) + "~, which sudo ignores",
			do: func(context.Context) error { return atomicfile.Rename(sudoersFile, sudoersFile+"~") },
		}}, nil
	}
	return []Finding{{
		Text: fmt.Sprintf("%q has our rule", sudoersFile), Fix: "removed",
		do: func(context.Context) error { return atomicfile.Remove(sudoersFile) },
	}}, nil
}

// writeSudoers lets visudo judge the rule under a name that sudo ignores
// before it is active: an old sudo may not know all defaults.
func writeSudoers(ctx context.Context) error {
	draft := filepath.Join(filepath.Dir(sudoersFile), ".threatconnect.new~")
	if err := atomicfile.WriteFile(draft, []byte(SudoersRule), 0o440); err != nil {
		return err
	}
	if err := valid(ctx, draft); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return atomicfile.Rename(draft, sudoersFile)
}

// valid is visudo's opinion.
func valid(ctx context.Context, path string) error {
	out, err := toolOutput(ctx, "visudo", "-c", "-f", path)
	if err == nil {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimSpace(out), "\n") // the rest repeats it
	return fmt.Errorf("visudo says: %s", strings.ReplaceAll(first, path, filepath.Base(path)))
}

// sudoWorks is the proof: threatconnect becomes tc-job. It needs root, who may be anybody.
func sudoWorks(ctx context.Context, _ *Host) ([]Finding, error) {
	if _, err := os.Lstat(sudoersFile); err != nil || os.Geteuid() != 0 {
		return nil, nil // said by the step before, or not to be known
	}
	agent, err := lookupUser(ctx, Agent)
	if errors.Is(err, errNobody) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := command(ctx, "sudo", "-n", "-u", Sandbox, "--", find("true"))
	if err != nil {
		return []Finding{{Text: err.Error(), Try: "dnf install sudo"}}, nil
	}
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(agent.uid), Gid: uint32(agent.gid)}, Setsid: true}
	stop := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
	defer stop.Stop()
	out, err := c.CombinedOutput()
	if err != nil {
		return []Finding{{
			Text: fmt.Sprintf("%s cannot become %s: %v", Agent, Sandbox, said("sudo", string(out), err)),
			Try:  "look for a later rule in /etc/sudoers (\"sudo -l -U " + Agent + "\"), and that it includes /etc/sudoers.d",
		}}, nil
	}
	return nil, nil
}
