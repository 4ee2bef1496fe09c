package install

import (
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/minio/selfupdate"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/plainfile"
)

const mode = 0o755

// ErrContent says that a program is not the one that was signed.
var ErrContent = errors.New("the program's content is not what was signed")

// Program is the program to install.
type Program struct {
	Content io.Reader
	Size    int64  // bytes
	SHA256  string // in lower-case hexadecimal digits
	Header  Header // what the written file must say about itself before it gets its name
}

// Write installs p at target, durably. After an error nothing of p is left. The error is
// [ErrContent] where the content is not the signed one, and a [*HeaderError] where the content is
// signed and is not a program for this host.
func Write(target string, p Program) (err error) {
	defer func() {
		if err != nil {
			sweep(target)
			err = fmt.Errorf("writing %q: %w", target, err)
		}
	}()
	want, err := hex.DecodeString(p.SHA256)
	if err != nil || len(want) != sha256.Size {
		return fmt.Errorf("%q is not a SHA-256", p.SHA256)
	}
	sweep(target)
	o := selfupdate.Options{TargetPath: target, TargetMode: mode, Checksum: want, Hash: crypto.SHA256}
	// One byte more than signed would be another content; a file that grows while it is read cannot
	// fill the memory.
	read := sha256.New()
	content := &source{Reader: io.LimitReader(p.Content, p.Size+1)}
	err = selfupdate.PrepareAndCheckBinary(io.TeeReader(content, read), o)
	if got := hex.EncodeToString(read.Sum(nil)); err != nil && content.err == nil && got != p.SHA256 {
		return fmt.Errorf("%w: its SHA-256 is %s, not %s", ErrContent, got, p.SHA256)
	}
	if err != nil {
		return err
	}
	if err := seal(written(target), p.Header); err != nil {
		return err
	}
	if err := placeholder(target); err != nil {
		return err
	}
	// Where it fails the slot may stay empty: Select sees that.
	if err := selfupdate.CommitBinary(o); err != nil {
		return err
	}
	if err := atomicfile.SyncDir(filepath.Dir(target)); err != nil {
		return err
	}
	return Verify(target, p.Size, p.SHA256)
}

// seal makes the prepared file durable and checks its header.
func seal(path string, want Header) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// The umask applied when the file was made.
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return checkHeader(f, want)
}

// placeholder gives selfupdate a file to rename away. It is empty, so no check takes it for a
// program.
func placeholder(target string) error {
	f, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// Verify reads the program at path and compares its size and its SHA-256 with the given ones. It
// follows no link.
func Verify(path string, size int64, sum string) error {
	f, info, err := plainfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if info.Size() != size {
		return fmt.Errorf("%w: %q has %d bytes, not %d", ErrContent, f.Name(), info.Size(), size)
	}
	got, err := Sum(f)
	if err != nil {
		return err
	}
	if got != sum {
		return fmt.Errorf("%w: the SHA-256 of %q is %s, not %s", ErrContent, f.Name(), got, sum)
	}
	return nil
}

// Sum returns the SHA-256 of all that r reads, in lower-case hexadecimal digits.
func Sum(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.CopyBuffer(h, onlyReader{r}, make([]byte, 256<<10)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// source remembers that a program could not be read to its end, which does not make it another one.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// onlyReader keeps io.CopyBuffer from calling WriteTo, which uses a smaller buffer.
type onlyReader struct{ io.Reader }

func written(target string) string { return beside(target, "new") }

func beside(target, suffix string) string {
	dir, name := filepath.Split(target)
	return filepath.Join(dir, "."+name+"."+suffix)
}

func sweep(target string) {
	_ = os.Remove(beside(target, "new"))
	_ = os.Remove(beside(target, "old"))
}
