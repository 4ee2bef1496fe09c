package isolation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// always are folders that are empty in every world: by their sockets other processes of the host
// could be told to do something. What names and logs need stays: resolved, sssd, journald.
var always = []string{"/run/user", "/run/dbus"}

// tmps are the folders that everybody may write to.
var tmps = []string{"/tmp", "/var/tmp"}

// world builds what the App sees. The caller is the init of new namespaces.
type world struct {
	plan *Plan
	// sources are opened before anything is hidden: afterwards there is no path to them.
	sources []source
}

type source struct {
	path     string
	fd       int
	dir      bool
	writable bool
	link     string // what it points to, if it is a link: that is made anew
}

func (w *world) build() error {
	// What happens in here is seen in here only.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	defer w.close()
	if err := w.open(); err != nil {
		return err
	}
	tmp := -1
	if w.plan.Tmp != "" {
		var err error
		if tmp, err = openPath(w.plan.Tmp); err != nil {
			return fmt.Errorf("opening the folder for /tmp: %w", err)
		}
		defer unix.Close(tmp)
	}
	for _, dir := range tmps {
		if err := w.ownTmp(dir, tmp); err != nil {
			return err
		}
	}
	// A home below /tmp is gone with that; what is shown of it lies in a hidden folder as
	// elsewhere.
	for _, dir := range w.plan.Hide {
		if slices.ContainsFunc(tmps, func(tmp string) bool { return within(dir, tmp) }) &&
			slices.ContainsFunc(w.sources, func(s source) bool { return within(s.path, dir) }) {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("making %q anew: %w", dir, err)
			}
		}
	}
	hidden, err := w.cover()
	if err != nil {
		return err
	}
	for _, dir := range slices.Concat(hidden, w.plan.Lock) { // nothing is made in there any more
		if err := readOnly(dir); err != nil {
			return err
		}
	}
	if _, err := mountOver("/dev/shm", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=25%"); err != nil {
		return err
	}
	if err := ownQueues(); err != nil {
		return err
	}
	if err := ownTerminals(); err != nil {
		return err
	}
	if w.plan.Level == Full {
		if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			return fmt.Errorf("mounting a /proc of its own: %w", err)
		}
	}
	return nil
}

// cover hides and shows, from the outermost folder to the innermost, so that each lies on top of
// what it is within: a folder may be shown that has a hidden one in it, in which something is
// shown. It returns what it has hidden.
func (w *world) cover() (hidden []string, err error) {
	type layer struct {
		path string
		show *source // nil: hide
	}
	var layers []layer
	for _, dir := range slices.Concat(w.plan.Hide, always) {
		if !slices.ContainsFunc(w.sources, func(s source) bool { return s.path == dir }) {
			layers = append(layers, layer{path: dir})
		}
	}
	for i := range w.sources {
		layers = append(layers, layer{w.sources[i].path, &w.sources[i]})
	}
	slices.SortStableFunc(layers, func(a, b layer) int { return strings.Count(a.path, "/") - strings.Count(b.path, "/") })
	for _, l := range layers {
		if l.show != nil {
			if err := l.show.show(); err != nil {
				return nil, err
			}
			continue
		}
		there, err := hide(l.path)
		if err != nil {
			return nil, err
		}
		if there {
			hidden = append(hidden, l.path)
		}
	}
	return hidden, nil
}

// open finds what is shown of what will be hidden.
func (w *world) open() error {
	for _, list := range []struct {
		paths    []string
		writable bool
	}{{w.plan.Show, false}, {w.plan.Keep, true}} {
		for _, path := range list.paths {
			if !w.hidden(path) {
				continue
			}
			fd, err := openPath(path)
			if errors.Is(err, fs.ErrNotExist) && !list.writable {
				continue
			}
			if err != nil {
				return fmt.Errorf("opening %q for the App: %w", path, err)
			}
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil {
				_ = unix.Close(fd)
				return fmt.Errorf("opening %q for the App: %w", path, err)
			}
			s := source{path: path, fd: fd, dir: st.Mode&unix.S_IFMT == unix.S_IFDIR, writable: list.writable}
			if st.Mode&unix.S_IFMT == unix.S_IFLNK {
				if s.link, err = os.Readlink(path); err != nil {
					_ = unix.Close(fd)
					return fmt.Errorf("opening %q for the App: %w", path, err)
				}
			}
			w.sources = append(w.sources, s)
		}
	}
	return nil
}

func (w *world) hidden(path string) bool {
	return slices.ContainsFunc(slices.Concat(w.plan.Hide, tmps), func(dir string) bool { return path == dir || within(path, dir) })
}

func within(path, dir string) bool { return strings.HasPrefix(path, dir+"/") }

func (w *world) close() {
	for _, s := range w.sources {
		_ = unix.Close(s.fd)
	}
}

func openPath(path string) (int, error) {
	return unix.Open(path, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
}

// hide mounts an empty folder over dir, if that is there. It stays writable until what is shown in
// it has its place.
func hide(dir string) (there bool, err error) {
	return mountOver(dir, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0755,size=256k")
}

// mountOver mounts a file system in memory over a folder, if that is there.
func mountOver(dir string, flags uintptr, options string) (there bool, err error) {
	err = unix.Mount("tmpfs", dir, "tmpfs", flags, options)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("mounting over %q: %w", dir, err)
	}
	return true, nil
}

// queues is where the message queues of an IPC namespace are files.
const queues = "/dev/mqueue"

// ownQueues mounts the world's own message queues, where the host has any. Landlock, too, lets an
// App make one only where they are mounted.
func ownQueues() error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	err := unix.Mount("mqueue", queues, "mqueue", flags, "")
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err = mountOver(queues, flags, "mode=0755,size=64k")
	return err
}

// ownTerminals mounts terminals that are the world's own: those of another App are its user's, too.
func ownTerminals() error {
	err := unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,mode=0620,ptmxmode=0666")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mounting terminals of its own: %w", err)
	}
	return nil
}

// show puts the source back at its path.
func (s source) show() error {
	fail := func(err error) error { return fmt.Errorf("showing %q to the App: %w", s.path, err) }
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return fail(err)
	}
	if s.link != "" {
		if err := os.Symlink(s.link, s.path); err != nil && !errors.Is(err, fs.ErrExist) {
			return fail(err)
		}
		return nil
	}
	if s.dir {
		if err := os.Mkdir(s.path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fail(err)
		}
	} else {
		f, err := os.OpenFile(s.path, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fail(err)
		}
		_ = f.Close()
	}
	// With all that is mounted below: the kernel does not let a part of it be uncovered.
	if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(s.fd), s.path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fail(err)
	}
	if s.writable {
		return nil
	}
	return readOnly(s.path)
}

// readOnly closes a mount for writing; what else it is closed for stays.
func readOnly(path string) error {
	var st unix.Statfs_t
	err := unix.Statfs(path, &st)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("asking how %q is mounted: %w", path, err)
	}
	flags := uintptr(unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV)
	for has, flag := range map[int64]uintptr{
		unix.ST_NOEXEC: unix.MS_NOEXEC, unix.ST_NOATIME: unix.MS_NOATIME,
		unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if int64(st.Flags)&has != 0 {
			flags |= flag
		}
	}
	if err := unix.Mount("", path, "", flags, ""); err != nil {
		return fmt.Errorf("making %q read-only: %w", path, err)
	}
	return nil
}

// ownTmp makes dir the job's own. Where the agent's home is below it (a trial by hand), the job's
// folder cannot be it: the ways to what is shown would be made in there.
func (w *world) ownTmp(dir string, fd int) error {
	if fd < 0 || slices.ContainsFunc(w.sources, func(s source) bool { return within(s.path, dir) }) {
		_, err := mountOver(dir, unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=25%")
		return err
	}
	err := unix.Mount("/proc/self/fd/"+strconv.Itoa(fd), dir, "", unix.MS_BIND|unix.MS_REC, "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making %q the job's own: %w", dir, err)
	}
	return nil
}
