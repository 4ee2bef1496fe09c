package sudoers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/host/tool"
)

// PlanWrite finds what is wrong with the rule's file, and how to write it. What an administrator
// has changed in it stays.
func PlanWrite(ctx context.Context) ([]plan.Finding, error) {
	if tool.Find("visudo") == "" {
		return []plan.Finding{{Text: "sudo is not installed (no visudo), so its rule was neither checked nor written", Try: "dnf install sudo, then tcenvsvr host apply"}}, nil
	}
	is, err := os.ReadFile(layout.Sudoers)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return []plan.Finding{{Text: fmt.Sprintf("%q does not exist", layout.Sudoers), Fix: "written", Do: write}}, nil
	case err != nil:
		return nil, err
	}
	var found []plan.Finding
	if !bytes.Equal(is, []byte(Rule)) {
		if err := valid(ctx, layout.Sudoers); err != nil {
			// One bad file can cost everybody sudo. Nothing is lost: sudo ignores names that end in
			// ~.
			return []plan.Finding{{
				Text: fmt.Sprintf("%q is not valid: %v", layout.Sudoers, err), Fix: "set aside as " + filepath.Base(layout.Sudoers) + "~ and written anew",
				Do: func(ctx context.Context) error {
					if err := atomicfile.Rename(layout.Sudoers, layout.Sudoers+"~"); err != nil {
						return err
					}
					return write(ctx)
				},
			}}, nil
		}
		found = append(found, plan.Finding{Text: fmt.Sprintf("%q was changed by hand, and is kept", layout.Sudoers)})
	}
	var st unix.Stat_t
	if err := unix.Lstat(layout.Sudoers, &st); err != nil {
		return found, &os.PathError{Op: "stat", Path: layout.Sudoers, Err: err}
	}
	if st.Mode&0o7777 != 0o440 || st.Uid != 0 || st.Gid != 0 {
		found = append(found, plan.Finding{
			Text: fmt.Sprintf("%q is %d:%d %04o, not root:root 0440", layout.Sudoers, st.Uid, st.Gid, st.Mode&0o7777), Fix: "set",
			Do: func(context.Context) error {
				return errors.Join(os.Lchown(layout.Sudoers, 0, 0), os.Chmod(layout.Sudoers, 0o440))
			},
		})
	}
	return found, nil
}

// PlanRemove finds the rule's file and how to remove it. One that an administrator has changed is
// kept under a name that sudo ignores.
func PlanRemove(context.Context) ([]plan.Finding, error) {
	is, err := os.ReadFile(layout.Sudoers)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !bytes.Equal(is, []byte(Rule)):
		return []plan.Finding{{
			Text: fmt.Sprintf("%q was changed by hand", layout.Sudoers), Fix: "kept as " + filepath.Base(layout.Sudoers) + "~, which sudo ignores",
			Do: func(context.Context) error { return atomicfile.Rename(layout.Sudoers, layout.Sudoers+"~") },
		}}, nil
	}
	return []plan.Finding{{
		Text: fmt.Sprintf("%q has our rule", layout.Sudoers), Fix: "removed",
		Do: func(context.Context) error { return atomicfile.Remove(layout.Sudoers) },
	}}, nil
}

// write makes the rule active after visudo has accepted it under a name that sudo ignores: an old
// sudo may not know all defaults.
func write(ctx context.Context) error {
	draft := filepath.Join(filepath.Dir(layout.Sudoers), ".threatconnect.new~")
	if err := atomicfile.WriteFile(draft, []byte(Rule), 0o440); err != nil {
		return err
	}
	if err := valid(ctx, draft); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return atomicfile.Rename(draft, layout.Sudoers)
}

// valid returns visudo's error about a file.
func valid(ctx context.Context, path string) error {
	out, err := tool.Output(ctx, "visudo", "-c", "-f", path)
	if err == nil {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimSpace(out), "\n") // the rest repeats it
	return fmt.Errorf("visudo says: %s", strings.ReplaceAll(first, path, filepath.Base(path)))
}

// Prove finds out by trying whether the agent's user becomes the sandbox user. Only root can try.
func Prove(ctx context.Context) ([]plan.Finding, error) {
	if _, err := os.Lstat(layout.Sudoers); err != nil || os.Geteuid() != 0 {
		return nil, nil // PlanWrite reports the first; the second nobody can know
	}
	agent, err := tool.LookupUser(ctx, layout.Agent)
	if errors.Is(err, tool.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := tool.CommandAs(ctx, agent, "sudo", "-n", "-u", layout.Sandbox, "--", tool.Find("true"))
	if err != nil {
		return []plan.Finding{{Text: err.Error(), Try: "dnf install sudo"}}, nil
	}
	stop := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
	defer stop.Stop()
	out, err := c.CombinedOutput()
	if err != nil {
		return []plan.Finding{{
			Text: fmt.Sprintf("%s cannot become %s: %v", layout.Agent, layout.Sandbox, tool.Failure("sudo", string(out), err)),
			Try:  "look for a later rule in /etc/sudoers (\"sudo -l -U " + layout.Agent + "\"), and that it includes /etc/sudoers.d",
		}}, nil
	}
	return nil, nil
}
