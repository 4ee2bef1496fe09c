package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"tcenvsvr/agent/disk/plainfile"
)

// Bounds of one archive in bytes. That of an App with 3,300 classes has 28 MB.
const (
	maxArchive = 160 << 20
	minArchive = 1 << 20
	headSize   = 4 << 10 // of what is looked at
)

// magic begins a static archive, in the byte order of the host.
const magic = 0xf00baba2

// ErrHostile says that a build did not leave what a JVM writes.
var ErrHostile = errors.New("what was built is no class-data archive of this JDK")

// take copies the archive that a build left in out to a new file at path that only we write, and
// returns its size and SHA-256. The bytes of the original may change until then, or afterwards: its
// writer may still have it open. So nothing but the copy counts.
func take(ctx context.Context, out *os.Root, name, path string, j jdk) (size int64, sum string, err error) {
	from, err := out.OpenFile(name, os.O_RDONLY|plainfile.Flags, 0)
	if err != nil {
		return 0, "", fmt.Errorf("%w: %w", ErrHostile, err)
	}
	defer from.Close()
	if info, err := from.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0, "", fmt.Errorf("%w: it is no plain file", ErrHostile)
	}
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	hash := sha256.New()
	size, err = io.Copy(io.MultiWriter(to, hash), io.LimitReader(reader{ctx, from}, maxArchive+1))
	if err != nil {
		return 0, "", err
	}
	head := make([]byte, headSize)
	if _, err := to.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, "", err
	}
	switch {
	case size > maxArchive:
		return 0, "", fmt.Errorf("%w: it has more than %d MiB", ErrHostile, maxArchive>>20)
	case size < minArchive:
		return 0, "", fmt.Errorf("%w: it has %d bytes", ErrHostile, size)
	case !j.made(head):
		return 0, "", fmt.Errorf("%w: its header is another", ErrHostile)
	}
	if err := to.Chmod(modeArchive); err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(hash.Sum(nil)), to.Sync()
}

// made reports whether an archive begins as this JDK writes it: the magic number, and the name of
// the JVM, which has the version in it.
func (j jdk) made(head []byte) bool {
	return len(head) >= 4 && binary.NativeEndian.Uint32(head) == magic && j.runtime != "" && bytes.Contains(head, []byte("("+j.runtime+")"))
}

// modeArchive lets the App's user read, and nobody write.
const modeArchive = 0o444

// reader ends with its ctx.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
