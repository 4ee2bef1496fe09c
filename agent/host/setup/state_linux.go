package setup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// state are the files and folders below .tcenvsvr that the agent refuses, or cannot
// use, when their owner or mode is another one. What does not exist the agent makes.
var state = []struct {
	name   string
	folder bool
	most   uint32 // no more rights than these
	least  uint32 // and no fewer
}{
	{"settings.yaml", false, 0o600, 0o600},
	{"keystore.p12", false, 0o600, 0o400},
	{"keychain.json", false, 0o600, 0o400},
	{"journal", true, 0o700, 0o700},
	{"logs", true, 0o750, 0o700},
	{"certs", true, 0o755, 0o700},
	{"trust", true, 0o755, 0o711},
}

// stateFiles gives back to the agent what is its own: after a restore as root, a
// chmod too many, or a command of root's that made it.
func stateFiles(ctx context.Context, h *Host) ([]Finding, error) {
	agent, err := lookupUser(ctx, Agent)
	if errors.Is(err, errNobody) {
		return nil, nil // the first step says so
	}
	if err != nil {
		return nil, err
	}
	dir, err := folder{base: h.Home, path: ".tcenvsvr"}.open(false)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	var found []Finding
	var errs []error
	for i, row := range state {
		text, try, err := lookState(dir, i, agent)
		path := filepath.Join(h.Home, ".tcenvsvr", row.name)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%q: %w", path, err))
		case try != "":
			found = append(found, Finding{Text: fmt.Sprintf("%q %s: the agent does not use it", path, text), Try: try})
		case text != "":
			found = append(found, Finding{Text: fmt.Sprintf("%q %s: the agent does not use it", path, text), Fix: "set", do: func(context.Context) error {
				return h.giveBack(i, agent)
			}})
		}
	}
	return found, errors.Join(errs...)
}

// lookState says what is wrong with a row's file, and what to try where it is not to be
// put right by us: whatever is no plain file, or a third user's, may be anything.
func lookState(dir, i int, agent account) (text, try string, err error) {
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
	case int(st.Uid) != agent.uid && st.Uid != 0:
		return fmt.Sprintf("belongs to user %d", st.Uid), fmt.Sprintf("see whose it is; then: chown %s:%s on it", Agent, Agent), nil
	case int(st.Uid) != agent.uid:
		return fmt.Sprintf("belongs to root, not to %s", Agent), "", nil
	case mode&^row.most != 0 || row.least&^mode != 0:
		return fmt.Sprintf("has mode %04o, not %04o", mode, row.most), "", nil
	}
	return "", "", nil
}

// giveBack puts right what it has opened, and nothing that was put in its place.
func (h *Host) giveBack(i int, agent account) error {
	row := state[i]
	dir, err := folder{base: h.Home, path: ".tcenvsvr"}.open(false)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if _, try, err := lookState(dir, i, agent); err != nil || try != "" {
		return errors.Join(err, errors.New("it was exchanged meanwhile: try again"))
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
	case !row.folder && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1), st.Uid != 0 && int(st.Uid) != agent.uid:
		return errors.New("it was exchanged meanwhile: try again")
	}
	if err := unix.Fchown(fd, agent.uid, agent.gid); err != nil {
		return fmt.Errorf("chown: %w", err)
	}
	if err := unix.Fchmod(fd, row.most); err != nil {
		return fmt.Errorf("chmod: %w", err)
	}
	return unix.Fsync(fd)
}
