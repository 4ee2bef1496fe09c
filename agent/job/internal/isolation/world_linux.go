package isolation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// always are folders that are empty in every world: by their sockets other processes of the host
// could be told to do something. What names and logs need stays: resolved, sssd, journald.
var always = []string{"/run/user", "/run/dbus"}

// tmps are the folders that everybody may write to.
var tmps = []string{"/tmp", "/var/tmp"}

// world works out how what the App sees is built. The steps are taken by the init of new
// namespaces.
type world struct {
	plan *Plan
	// sources are opened before anything is hidden: afterwards there is no path to them.
	sources []source
	*steps
}

type source struct {
	path     string
	fd       uintptr
	dir      bool
	writable bool
	link     string // what it points to, if it is a link: that is made anew
	flags    uintptr
}

// build adds the steps that build the world.
func (w *world) build() error {
	// What happens in here is seen in here only.
	w.mount("making the mounts private", "", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err := w.open(); err != nil {
		return err
	}
	tmp := uintptr(0)
	if w.plan.Tmp != "" {
		tmp = firstFD + 1 + uintptr(len(w.sources))
		w.steps.open("opening the folder for /tmp", w.plan.Tmp, unix.O_PATH|unix.O_NOFOLLOW, tmp)
	}
	for _, dir := range tmps {
		w.ownTmp(dir, tmp)
	}
	// A home below /tmp is gone with that; what is shown of it lies in a hidden folder as
	// elsewhere.
	for _, dir := range w.plan.Hide {
		for _, tmp := range tmps {
			if within(dir, tmp) && slices.ContainsFunc(w.sources, func(s source) bool { return within(s.path, dir) }) {
				w.mkdirs(fmt.Sprintf("making %q anew", dir), tmp, dir)
			}
		}
	}
	for _, dir := range w.cover() { // nothing is made in there any more
		w.closeHidden(dir).unless(unix.ENOENT, unix.ENOTDIR, unix.EINVAL) // where it is not there
	}
	for _, dir := range w.plan.Lock {
		flags, err := mountFlags(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		w.readOnly(dir, flags)
	}
	w.mountOver(Memory, unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=25%")
	for _, f := range w.plan.Files {
		w.inMemory(f)
	}
	w.ownDevices()
	if w.plan.Level == Full {
		w.mount("mounting a /proc of its own", "proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	}
	for _, s := range w.sources {
		if s.link == "" {
			w.close(s.fd)
		}
	}
	if tmp != 0 {
		w.close(tmp)
	}
	return nil
}

// cover hides and shows, from the outermost folder to the innermost, so that each lies on top of
// what it is within: a folder may be shown that has a hidden one in it, in which something is
// shown. It returns what is hidden and not closed for writing yet.
func (w *world) cover() (hidden []string) {
	type layer struct {
		path string
		show *source // nil: hide
	}
	var layers []layer
	for _, dir := range slices.Concat(always, w.plan.Hide) {
		if !slices.ContainsFunc(w.sources, func(s source) bool { return s.path == dir }) {
			layers = append(layers, layer{path: dir})
		}
	}
	for i := range w.sources {
		layers = append(layers, layer{w.sources[i].path, &w.sources[i]})
	}
	slices.SortStableFunc(layers, func(a, b layer) int { return strings.Count(a.path, "/") - strings.Count(b.path, "/") })
	empty := "" // what is mounted over others, too: a file system for each takes longer
	for _, l := range layers {
		switch {
		case l.show != nil:
			w.show(*l.show)
		case slices.ContainsFunc(w.sources, func(s source) bool { return within(s.path, l.path) }):
			w.hide(l.path)
			hidden = append(hidden, l.path)
		case empty != "":
			w.mount(fmt.Sprintf("mounting over %q", l.path), empty, l.path, "", unix.MS_BIND, "").unless(unix.ENOENT, unix.ENOTDIR)
		case slices.Contains(always, l.path) && isFolder(l.path):
			w.mount(fmt.Sprintf("mounting over %q", l.path), "tmpfs", l.path, "tmpfs", hiddenFlags, "mode=0755,size=4k")
			w.closeHidden(l.path)
			empty = l.path
		default:
			w.hide(l.path)
			hidden = append(hidden, l.path)
		}
	}
	return hidden
}

func isFolder(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

const hiddenFlags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// closeHidden has nothing made in a hidden folder any more.
func (w *world) closeHidden(dir string) *step {
	return w.readOnly(dir, unix.MS_NOEXEC|unix.MS_RELATIME)
}

// queues is where the message queues of an IPC namespace are files.
const queues = "/dev/mqueue"

// inMemory makes a file in [Memory]. Its room is taken first, so that all of it can be written.
func (w *world) inMemory(f File) {
	const fd = firstFD
	path := filepath.Join(Memory, f.Name)
	what := fmt.Sprintf("making %q in the App's memory", path)
	w.add(what, unix.SYS_OPENAT, atCWD, w.text(path), unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600).to = fd
	if n := uintptr(len(f.Data)); n > 0 {
		w.add(what, unix.SYS_FALLOCATE, fd, 0, 0, n)
		w.add(what, unix.SYS_WRITE, fd, address(place(w.steps, f.Data)), n)
	}
	w.close(fd)
}

// ownDevices adds message queues and terminals that are the world's own, where the host has any.
// Those of another App are its user's, too. Landlock lets an App make a queue only where they are
// mounted.
func (w *world) ownDevices() {
	const flags = unix.MS_NOSUID | unix.MS_NOEXEC
	w.mountOver(queues, flags|unix.MS_NODEV, "mode=0755,size=64k")
	w.mount("mounting message queues of its own", "mqueue", queues, "mqueue", flags|unix.MS_NODEV, "").unless(unix.ENOENT, unix.ENODEV, unix.EPERM)
	w.mount("mounting terminals of its own", "devpts", "/dev/pts", "devpts", flags, "newinstance,mode=0620,ptmxmode=0666").unless(unix.ENOENT)
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
			info, err := os.Lstat(path)
			if errors.Is(err, fs.ErrNotExist) && !list.writable {
				continue
			}
			s := source{path: path, writable: list.writable, fd: firstFD + 1 + uintptr(len(w.sources))}
			if err == nil {
				s.dir = info.IsDir()
				if info.Mode().Type() == fs.ModeSymlink {
					s.link, err = os.Readlink(path)
				} else if !s.writable {
					s.flags, err = mountFlags(path)
				}
			}
			if err != nil {
				return fmt.Errorf("opening %q for the App: %w", path, err)
			}
			if s.link == "" {
				w.steps.open(fmt.Sprintf("opening %q for the App", path), path, unix.O_PATH|unix.O_NOFOLLOW, s.fd)
			}
			w.sources = append(w.sources, s)
		}
	}
	return nil
}

func (w *world) hidden(path string) bool { return w.over(path) != "" }

// over is the innermost folder above path that will be empty, "" if there is none.
func (w *world) over(path string) (dir string) {
	for _, d := range slices.Concat(w.plan.Hide, tmps) {
		if (path == d || within(path, d)) && len(d) > len(dir) {
			dir = d
		}
	}
	return dir
}

func within(path, dir string) bool { return strings.HasPrefix(path, dir+"/") }

// hide mounts an empty folder over dir, if that is there. It stays writable until what is shown in
// it has its place.
func (w *world) hide(dir string) {
	w.mountOver(dir, hiddenFlags, "mode=0755,size=256k")
}

// mountOver mounts a file system in memory over a folder, if that is there.
func (w *world) mountOver(dir string, flags uintptr, options string) {
	w.mount(fmt.Sprintf("mounting over %q", dir), "tmpfs", dir, "tmpfs", flags, options).unless(unix.ENOENT, unix.ENOTDIR)
}

// show puts the source back at its path.
func (w *world) show(s source) {
	what := fmt.Sprintf("showing %q to the App", s.path)
	if root := w.over(filepath.Dir(s.path)); root != "" {
		w.mkdirs(what, root, filepath.Dir(s.path))
	}
	switch {
	case s.link != "":
		w.add(what, unix.SYS_SYMLINKAT, w.text(s.link), atCWD, w.text(s.path)).unless(unix.EEXIST)
		return
	case s.dir:
		w.add(what, unix.SYS_MKDIRAT, atCWD, w.text(s.path), 0o755).unless(unix.EEXIST)
	default:
		w.add(what, unix.SYS_MKNODAT, atCWD, w.text(s.path), unix.S_IFREG|0o644, 0).unless(unix.EEXIST)
	}
	// With all that is mounted below: the kernel does not let a part of it be uncovered.
	w.mount(what, procFD(s.fd), s.path, "", unix.MS_BIND|unix.MS_REC, "")
	if !s.writable {
		w.readOnly(s.path, s.flags)
	}
}

// readOnly closes a mount for writing; what else it is closed for, by flags, stays.
func (w *world) readOnly(path string, flags uintptr) *step {
	flags |= unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
	return w.mount(fmt.Sprintf("making %q read-only", path), "", path, "", flags, "")
}

// mountFlags are those of the mount at path that a mount of the same cannot be without.
func mountFlags(path string) (flags uintptr, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("asking how %q is mounted: %w", path, err)
	}
	for has, flag := range map[int64]uintptr{
		unix.ST_NOEXEC: unix.MS_NOEXEC, unix.ST_NOATIME: unix.MS_NOATIME,
		unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if int64(st.Flags)&has != 0 {
			flags |= flag
		}
	}
	return flags, nil
}

// ownTmp makes dir the job's own. Where the agent's home is below it (a trial by hand), the job's
// folder cannot be it: the ways to what is shown would be made in there.
func (w *world) ownTmp(dir string, fd uintptr) {
	if fd == 0 || slices.ContainsFunc(w.sources, func(s source) bool { return within(s.path, dir) }) {
		w.mountOver(dir, unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=25%")
		return
	}
	w.mount(fmt.Sprintf("making %q the job's own", dir), procFD(fd), dir, "", unix.MS_BIND|unix.MS_REC, "").unless(unix.ENOENT)
}
