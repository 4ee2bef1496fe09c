package interpreter

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Bounds of an archive: a JDK has some 500 files and 300 MB, a Python 10,000 and 400 MB.
const (
	maxEntries = 200_000
	maxBytes   = 4 << 30
)

// unpack unpacks a .tar.gz into dir, which is empty.
func unpack(ctx context.Context, archive io.Reader, dir string) error {
	z, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("reading it as .tar.gz: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	t := tar.NewReader(z)
	left := int64(maxBytes)
	for n := 0; ; n++ {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading it as .tar.gz: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case n > maxEntries:
			return fmt.Errorf("it has more than %d entries", maxEntries)
		}
		if left -= h.Size; h.Size < 0 || left < 0 {
			return fmt.Errorf("it unpacks to more than %d bytes", int64(maxBytes))
		}
		if err := entry(root, h, t); err != nil {
			return fmt.Errorf("unpacking %.200q: %w", h.Name, err)
		}
	}
}

var errOutside = errors.New("it leads out of the archive")

// entry unpacks one entry. The root refuses what leads out of it, also through links unpacked before.
func entry(root *os.Root, h *tar.Header, content io.Reader) error {
	name := path.Clean(h.Name)
	if name == "." {
		return nil
	}
	if !filepath.IsLocal(name) {
		return errOutside
	}
	if err := makeDir(root, path.Dir(name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeDir:
		return makeDir(root, name)
	case tar.TypeSymlink:
		if path.IsAbs(h.Linkname) || !filepath.IsLocal(path.Join(path.Dir(name), h.Linkname)) {
			return fmt.Errorf("its link to %.200q: %w", h.Linkname, errOutside)
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		if !filepath.IsLocal(path.Clean(h.Linkname)) {
			return fmt.Errorf("its link to %.200q: %w", h.Linkname, errOutside)
		}
		return root.Link(path.Clean(h.Linkname), name)
	case tar.TypeReg:
		return file(root, name, h.FileInfo().Mode(), content)
	}
	return fmt.Errorf("it is neither file, folder nor link (type %q)", h.Typeflag)
}

func makeDir(root *os.Root, name string) error {
	if err := root.MkdirAll(name, 0o755); err != nil {
		return err
	}
	return root.Chmod(name, 0o755) // whatever the umask
}

func file(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Chmod(perm), f.Close())
}
