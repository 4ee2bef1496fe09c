package setup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/host/tool"
)

// state are the files and folders below .tcenvsvr that the agent refuses, or cannot use, when their
// owner or mode is another one. The agent makes those that do not exist.
var state = []struct {
	name   string
	folder bool
	most   uint32 // no more rights than these
	least  uint32 // and no fewer
}{
	{"settings.yaml", false, 0o600, 0o600},
	{"keystore.p12", false, 0o600, 0o400},
	{"keystore.p12.renewed", false, 0o600, 0o400},
	{"keychain.json", false, 0o600, 0o400},
	{"journal", true, 0o700, 0o700},
	{"logs", true, 0o750, 0o700},
	{"certs", true, 0o755, 0o700},
	{"trust", true, 0o755, 0o711},
}

// stateFiles gives the agent its own files back: after a restore as root, after a wrong chmod, or
// because a command that root ran made them.
func stateFiles(ctx context.Context, h *Host) ([]plan.Finding, error) {
	agent, err := tool.LookupUser(ctx, layout.Agent)
	if errors.Is(err, tool.ErrNotFound) {
		return nil, nil // the first step reports it
	}
	if err != nil {
		return nil, err
	}
	dir, err := folder{Folder: layout.Folder{Base: h.Home, Path: layout.State}}.open(false)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	var found []plan.Finding
	var errs []error
	for i, row := range state {
		text, try, err := lookState(dir, i, agent)
		path := filepath.Join(h.Home, layout.State, row.name)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%q: %w", path, err))
		case try != "":
			found = append(found, plan.Finding{Text: fmt.Sprintf("%q %s: the agent does not use it", path, text), Try: try})
		case text != "":
			found = append(found, plan.Finding{Text: fmt.Sprintf("%q %s: the agent does not use it", path, text), Fix: "set", Do: func(context.Context) error {
				return h.giveBack(i, agent)
			}})
		}
	}
	return found, errors.Join(errs...)
}

// errExchanged means that a file is not any more what was found.
var errExchanged = errors.New("it was exchanged meanwhile: try again")

// lookState returns what is wrong with the file of a row. try is what a person can do where we must
// not touch it: a file that is not plain, or that belongs to a third user, may be anything.
func lookState(dir, i int, agent tool.Account) (text, try string, err error) {
	row := state[i]
	var st unix.Stat_t
	if err := unix.Fstatat(dir, row.name, &st, unix.AT_SYMLINK_NOFOLLOW); errors.Is(err, unix.ENOENT) {
		return "", "", nil
	} else if err != nil {
		return "", "", err
	}
	kind, mode := uint32(unix.S_IFREG), st.Mode&0o7777
	if row.folder {
		kind = unix.S_IFDIR
	}
	switch {
	case st.Mode&unix.S_IFMT != kind:
		return "is of another kind than it must be (a link, a pipe, a folder …)", "see who put it there, and remove it", nil
	case !row.folder && st.Nlink != 1:
		return fmt.Sprintf("has %d names", st.Nlink), "see who gave it another name, and remove it", nil
	case int(st.Uid) != agent.UID && st.Uid != 0:
		return fmt.Sprintf("belongs to user %d", st.Uid), fmt.Sprintf("see whose it is; then: chown %s:%s on it", layout.Agent, layout.Agent), nil
	case int(st.Uid) != agent.UID:
		return fmt.Sprintf("belongs to root, not to %s", layout.Agent), "", nil
	case mode&^row.most != 0 || row.least&^mode != 0:
		return fmt.Sprintf("has mode %04o, not %04o", mode, row.most), "", nil
	}
	return "", "", nil
}

// giveBack sets owner and mode of the file that it has opened and checked, never by a path.
func (h *Host) giveBack(i int, agent tool.Account) error {
	row := state[i]
	dir, err := folder{Folder: layout.Folder{Base: h.Home, Path: layout.State}}.open(false)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if _, try, err := lookState(dir, i, agent); err != nil || try != "" {
		return errors.Join(err, errExchanged)
	}
	flags := unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	if row.folder {
		flags |= unix.O_DIRECTORY
	}
	fd, err := unix.Openat(dir, row.name, flags, 0)
	if err != nil {
		return fmt.Errorf("opening it: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	switch {
	case !row.folder && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1), st.Uid != 0 && int(st.Uid) != agent.UID:
		return errExchanged
	}
	if err := unix.Fchown(fd, agent.UID, agent.GID); err != nil {
		return fmt.Errorf("chown: %w", err)
	}
	if err := unix.Fchmod(fd, row.most); err != nil {
		return fmt.Errorf("chmod: %w", err)
	}
	return unix.Fsync(fd)
}
