package textfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// mode lets node_exporter read the file, which runs as a user of its own.
const mode = 0o644

// Write replaces path in one step by data. It follows no link there, and makes no folder. It waits for no
// disk: what a power cut takes is written again soon.
func Write(path string, data []byte) error {
	temp, err := begin(path)
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Chmod(mode) // whatever the umask
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}

// Check reports why Write would fail, as far as that can be told without writing the file.
func Check(path string) error {
	temp, err := begin(path)
	if err != nil {
		return err
	}
	return errors.Join(temp.Close(), os.Remove(temp.Name()))
}

// Remove removes what Write has written.
func Remove(path string) error {
	if err := replaceable(path); err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// errNoFile is for what is in the file's place and nobody made for it.
var errNoFile = errors.New("is no regular file")

// replaceable refuses what is not a file of ours.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q %w", path, errNoFile)
	}
	return nil
}

// begin makes the file that is renamed to path. It always has the same name, so that what a killed
// process left is not left for ever.
func begin(path string) (*os.File, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	dir, name := filepath.Split(path)
	temp := filepath.Join(dir, "."+name+".tmp")
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// Hint says what to do about an error of [Write], for the agent's user of this name.
func Hint(path, user string, err error) string {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, errNoFile):
		return fmt.Sprintf("remove %q, or let metricsFile name another file", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("make the folder %q, which node_exporter reads (--collector.textfile.directory), or let metricsFile name a file in another one", dir)
	case errors.Is(err, syscall.EROFS):
		return fmt.Sprintf(`the service may write only where its unit says so: "systemctl edit threatconnect-envsvr", add [Service] and ReadWritePaths=-%s, then "systemctl restart threatconnect-envsvr"`, dir)
	case errors.Is(err, fs.ErrPermission) && runtime.GOOS == "linux":
		return fmt.Sprintf(`"setfacl -m u:%s:rwx %s" as root; if that does not help, SELinux forbids it: "ausearch -m avc -ts recent -c tcenvsvr"`, user, dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("let %s make files in %q", user, dir)
	}
	return fmt.Sprintf("look at the disk of %q", dir)
}
