package pam

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/disk/atomicfile"
)

// replace gives a file new content in one step. Owner, mode, label and ACLs stay. It is an error
// when the content is not old any more, because somebody else has changed the file.
func replace(path string, old, content []byte) (err error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if err := unix.Fchmod(int(f.Fd()), st.Mode&0o7777); err != nil {
		return fmt.Errorf("chmod: %w", err)
	}
	if err := copyAttributes(path, int(f.Fd())); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, old) {
		return errors.Join(fmt.Errorf("%q was changed by somebody else meanwhile: try again", path), err)
	}
	return atomicfile.Rename(f.Name(), path)
}

// copyAttributes copies the extended attributes of path to fd: the SELinux label, ACLs, and any
// other.
func copyAttributes(path string, fd int) error {
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(path, buf)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing attributes of %q: %w", path, err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		value := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return fmt.Errorf("reading attribute %s of %q: %w", name, path, err)
		}
		if err := unix.Fsetxattr(fd, name, value[:n], 0); err != nil {
			return fmt.Errorf("keeping attribute %s of %q: %w", name, path, err)
		}
	}
	return nil
}
