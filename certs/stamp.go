package certs

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tcenvsvr/certs/roots"
)

// stamp returns what the file system reports of the sources: as long as it is the same, so are
// they. It costs a stat call for each file and folder.
func (s Sources) stamp() string {
	var b stamps
	for _, dir := range append([]string{s.Added}, s.Drops...) {
		b.folder(dir)
	}
	for _, file := range s.files() {
		b.file(file)
	}
	return b.String()
}

// files returns all files and folders that a merge depends on.
func (s Sources) files() []string {
	files := append([]string{s.Cloud}, roots.SystemFiles...)
	javaFile, _ := roots.JavaFile(s.Java)
	files = append(files, javaFile)
	files = append(files, roots.DistrustFiles(javaFile)...)
	for _, python := range s.Pythons {
		if file, ok := s.places.PythonFile(python); ok {
			files = append(files, file)
		}
	}
	return files
}

type stamps struct{ strings.Builder }

func (b *stamps) file(path string) {
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			b.WriteString(err.Error())
		}
		b.WriteByte('-')
		return
	}
	var n [20]byte
	for _, v := range [...]int64{info.ModTime().UnixNano(), info.Size(), int64(info.Mode()), inode(info)} {
		b.Write(strconv.AppendInt(n[:0], v, 36))
		b.WriteByte(' ')
	}
	b.WriteByte('\n')
}

// folder adds a folder and the files in it: a file that is edited in place does not change its
// folder.
func (b *stamps) folder(dir string) {
	if dir == "" {
		return
	}
	b.file(dir)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		b.WriteString(e.Name())
		b.file(filepath.Join(dir, e.Name()))
	}
}

// seal is the stamp of a set itself and of the folders above it: one that is closed to others locks
// the sandbox user out.
func (s *Set) seal() string {
	var b stamps
	for _, file := range s.Files() {
		b.file(file)
	}
	for dir := s.Dir; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			b.WriteString(err.Error())
		} else {
			b.WriteString(strconv.FormatInt(int64(info.Mode()), 36))
		}
		if dir == filepath.Dir(dir) {
			return b.String()
		}
	}
}
