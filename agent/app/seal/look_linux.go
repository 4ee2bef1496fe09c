package seal

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// lookIn takes in everything but folders below dir, in the order of names, as [walk] does. It is made at each
// start of an App of thousands of files, so it asks for each by its name in an open folder, which saves the
// kernel the way there, and makes one string of all names of a folder.
func (l *looker) lookIn(dir string) error {
	fd, err := openFolder(unix.AT_FDCWD, dir+"/.") // dir itself may be a link
	if err != nil {
		return &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	w := walker{looker: l, dir: dir, buf: make([]byte, 32<<10)}
	return w.folder(fd, "")
}

// walker goes through a folder.
type walker struct {
	*looker
	dir string
	buf []byte // what a folder has
	st  unix.Stat_t
}

// folder takes in what lies in an open folder, which it closes. name is the folder's in dir, with a / behind it
// unless it is dir.
func (w *walker) folder(fd int, name string) error {
	defer unix.Close(fd)
	failed := func(op, file string, err error) error {
		return &fs.PathError{Op: op, Path: w.dir + "/" + name + file, Err: err}
	}
	entries, err := w.entries(fd)
	if err != nil {
		return failed("readdirent", "", err)
	}
	cached := inCache(name)
	for _, e := range entries {
		if e.kind != unix.DT_DIR {
			for err = unix.EINTR; errors.Is(err, unix.EINTR); {
				err = unix.Fstatat(fd, e.name, &w.st, unix.AT_SYMLINK_NOFOLLOW)
			}
			if err != nil {
				return failed("lstat", e.name, err)
			}
			if st := &w.st; st.Mode&unix.S_IFMT != unix.S_IFDIR { // a file system may not say so before
				w.add(name, e.name, cached, report{mode: modeOf(st.Mode), size: st.Size, modified: st.Mtim.Nano(), hasInode: true, inode: st.Ino, changed: st.Ctim.Nano()})
				continue
			}
		}
		sub, err := openFolder(fd, e.name)
		if err != nil {
			return failed("open", e.name, err)
		}
		if err := w.folder(sub, name+e.name+"/"); err != nil {
			return err
		}
	}
	return nil
}

// openFolder does not follow a link that took a folder's place since its name was read.
func openFolder(in int, name string) (fd int, err error) {
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		fd, err = unix.Openat(in, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	return fd, err
}

// entry is what a folder has.
type entry struct {
	name string
	kind uint8 // DT_DIR is a folder; DT_UNKNOWN may be one
}

// Fields of struct linux_dirent64.
const (
	offLength = 16
	offKind   = 18
	offName   = 19
)

// entries reads an open folder, sorted by name.
func (w *walker) entries(fd int) ([]entry, error) {
	var list []entry
	for {
		n, err := unix.Getdents(fd, w.buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, err
		case n <= 0:
			slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
			return list, nil
		}
		all := string(w.buf[:n])
		for at := 0; at+offName < n; {
			length := int(binary.NativeEndian.Uint16(w.buf[at+offLength:]))
			if length <= offName || at+length > n {
				return nil, unix.EIO // a kernel that is in order does not say so
			}
			name, _, _ := strings.Cut(all[at+offName:at+length], "\x00")
			if name != "." && name != ".." {
				list = append(list, entry{name, w.buf[at+offKind]})
			}
			at += length
		}
	}
}

// modeOf is the mode as package os reports it: looks are kept, and another release compares them.
func modeOf(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & unix.S_IFMT {
	case unix.S_IFBLK:
		m |= os.ModeDevice
	case unix.S_IFCHR:
		m |= os.ModeDevice | os.ModeCharDevice
	case unix.S_IFDIR:
		m |= os.ModeDir
	case unix.S_IFIFO:
		m |= os.ModeNamedPipe
	case unix.S_IFLNK:
		m |= os.ModeSymlink
	case unix.S_IFSOCK:
		m |= os.ModeSocket
	}
	for _, b := range []struct {
		bit  uint32
		mode fs.FileMode
	}{{unix.S_ISGID, os.ModeSetgid}, {unix.S_ISUID, os.ModeSetuid}, {unix.S_ISVTX, os.ModeSticky}} {
		if mode&b.bit != 0 {
			m |= b.mode
		}
	}
	return m
}
