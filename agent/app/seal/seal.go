package seal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
)

// Seal describes an installation as it was when it was complete.
type Seal struct {
	Manifest []byte `json:"manifest"` // its install.json, which may be damaged on the disk
	Look     string `json:"look"`     // what the file system reports of all of it
	Files    []File `json:"files"`
	Sum      string `json:"sum"` // of the fields above: a seal may be damaged, too
}

// File is the content of one file.
type File struct {
	Name   string `json:"name"` // with /
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// maxSeal bounds the file of a seal in bytes: some 500,000 files.
const maxSeal = 64 << 20

// ErrBroken means that a seal is not what was written.
var ErrBroken = errors.New("its seal is damaged")

// Make reads the installation in dir and returns its seal. The folder's own name is not part of it.
func Make(ctx context.Context, dir string) (*Seal, error) {
	s := new(Seal)
	looks, err := Look(dir)
	if err != nil {
		return nil, err
	}
	s.Look = looks.App
	err = walk(dir, func(name string, info fs.FileInfo) error {
		if !info.Mode().IsRegular() || IsBytecode(name) {
			return nil
		}
		f, err := Content(ctx, dir, name)
		s.Files = append(s.Files, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.Manifest, err = os.ReadFile(filepath.Join(dir, "install.json"))
	return s, err
}

// Write keeps the seal in a file that only its owner reads.
func (s *Seal) Write(file string) error {
	data, err := s.encode()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(file, data, 0o600)
}

func (s *Seal) encode() ([]byte, error) {
	c := *s
	data, err := Encode(&c, &c.Sum)
	if err == nil && len(data) > maxSeal {
		err = fmt.Errorf("its seal would have %d bytes, at most %d are possible: it has too many files", len(data), maxSeal)
	}
	return data, err
}

// Read returns the seal in a file; ErrBroken where it is damaged or missing.
func Read(file string) (*Seal, error) {
	data, _, err := ReadFile(file, maxSeal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it is missing", ErrBroken)
	}
	if err != nil {
		return nil, err
	}
	s := new(Seal)
	if err := Decode(data, s, &s.Sum); err != nil {
		return nil, ErrBroken
	}
	return s, nil
}

// Looks are digests of what the file system reports of an installation.
type Looks struct {
	App      string // of all but the bytecode
	Bytecode string // of the bytecode; "" if there is none
}

// Look asks the file system about everything below dir.
func Look(dir string) (Looks, error) {
	l := looker{app: sha256.New(), bytecode: sha256.New()}
	err := l.lookIn(dir)
	looks := Looks{App: hex.EncodeToString(l.app.Sum(nil))}
	if l.some {
		looks.Bytecode = hex.EncodeToString(l.bytecode.Sum(nil))
	}
	return looks, err
}

// looker makes the digests of a look.
type looker struct {
	app, bytecode hash.Hash
	some          bool // bytecode
	line          []byte
}

// add takes in what the file system reports of one file. folder is where it lies, with a / behind it unless
// it is the App's own; cached is what [inCache] says of that.
func (l *looker) add(folder, file string, cached bool, r report) {
	sum := l.app
	if cached && mayBeBytecode(file) {
		sum, l.some = l.bytecode, true
	}
	l.line = r.append(append(append(l.line[:0], folder...), file...))
	_, _ = sum.Write(l.line)
}

// Damage reads everything but the bytecode and says what has changed, "" if nothing has. An error means that
// something could not be read.
func (s *Seal) Damage(ctx context.Context, dir string) (string, error) {
	left := make(map[string]File, len(s.Files))
	for _, f := range s.Files {
		left[f.Name] = f
	}
	var damage string
	note := func(format string, args ...any) {
		if damage == "" {
			damage = fmt.Sprintf(format, args...)
		}
	}
	err := walk(dir, func(name string, info fs.FileInfo) error {
		if IsBytecode(name) {
			return nil
		}
		want, known := left[name]
		delete(left, name)
		switch {
		case !known:
			note("%q does not belong to it", name)
		case !info.Mode().IsRegular():
			note("%q is no file any more", name)
		case info.Size() != want.Size:
			note("%q has %d bytes instead of %d", name, info.Size(), want.Size)
		default:
			got, err := Content(ctx, dir, name)
			if err != nil {
				return err
			}
			if got != want {
				note("the content of %q is another", name)
			}
		}
		return nil
	})
	for _, f := range s.Files {
		if _, missing := left[f.Name]; missing {
			note("%q is missing", f.Name)
		}
	}
	return damage, err
}

// cacheFolder is where Python keeps the bytecode of the sources beside it.
const cacheFolder = "__pycache__"

// IsBytecode reports whether a file is bytecode that Python keeps beside its sources, by its name
// with /. An App does the same without it, only later.
func IsBytecode(name string) bool {
	dir, file := path.Split(name)
	return mayBeBytecode(file) && inCache(dir)
}

func mayBeBytecode(file string) bool { return strings.Contains(file, ".pyc") }

// inCache reports whether a folder, whose name ends with /, is one of Python's or lies in one.
func inCache(dir string) bool {
	return strings.HasPrefix(dir, cacheFolder+"/") || strings.Contains(dir, "/"+cacheFolder+"/")
}

// Bytecode calls f for all bytecode in dir.
func Bytecode(dir string, f func(name string, info fs.FileInfo) error) error {
	return walk(dir, func(name string, info fs.FileInfo) error {
		if !IsBytecode(name) {
			return nil
		}
		return f(name, info)
	})
}

// walk calls f for everything but folders, in the order of names.
func walk(dir string, f func(name string, info fs.FileInfo) error) error {
	return walkIn(dir, "", f)
}

func walkIn(dir, name string, f func(string, fs.FileInfo) error) error {
	entries, err := os.ReadDir(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	for _, e := range entries {
		below := name + e.Name()
		if e.IsDir() {
			if err := walkIn(dir, below+"/", f); err != nil {
				return err
			}
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if err := f(below, info); err != nil {
			return err
		}
	}
	return nil
}

// Content reads one file of the installation in dir.
func Content(ctx context.Context, dir, name string) (File, error) {
	if err := ctx.Err(); err != nil {
		return File{}, err
	}
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return File{Name: name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

// LookAt is [Look] for one file.
func LookAt(file string) (string, error) {
	info, err := os.Lstat(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(reportOf(info).append([]byte(filepath.Base(file))))
	return hex.EncodeToString(sum[:]), nil
}

// report is what the file system says of one file.
type report struct {
	mode           fs.FileMode
	size, modified int64
	// The inode, and when it last changed, a time that nobody can set back. Where there are none, size and
	// time of modification have to do.
	hasInode bool
	inode    uint64
	changed  int64
}

func reportOf(info fs.FileInfo) report {
	r := report{mode: info.Mode(), size: info.Size(), modified: info.ModTime().UnixNano()}
	r.inode, r.changed, r.hasInode = inodeOf(info)
	return r
}

// append adds the report to a file's name: both are one entry of a digest.
func (r report) append(line []byte) []byte {
	for _, n := range [...]int64{int64(r.mode), r.size, r.modified} {
		line = strconv.AppendInt(append(line, 0), n, 36)
	}
	if r.hasInode {
		line = strconv.AppendUint(append(line, 0), r.inode, 36)
		line = strconv.AppendInt(append(line, 0), r.changed, 36)
	}
	return append(line, '\n')
}
