package packaging

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Tar writes the package's files with their paths on the host. Root unpacks it at / where there is
// neither rpm nor dpkg, and "tcenvsvr host apply" does the rest.
func (b *Build) Tar(w io.Writer) error {
	entries, err := Files(b.Stage)
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(w)
	out := tar.NewWriter(packed)
	for _, f := range entries {
		if err := b.addTar(out, f); err != nil {
			return fmt.Errorf("making the tar.gz for %s: %s: %w", b.Arch, f.Path, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("making the tar.gz for %s: %w", b.Arch, err)
	}
	return packed.Close()
}

func (b *Build) addTar(out *tar.Writer, f File) error {
	h := &tar.Header{
		Name: strings.TrimPrefix(f.Path, "/"), Mode: int64(f.Mode), ModTime: b.Time,
		Uname: f.Owner, Gname: f.Owner, Format: tar.FormatGNU, Typeflag: tar.TypeReg,
	}
	switch f.Kind {
	case Dir:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		return out.WriteHeader(h)
	case Link:
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.From, 0o777
		return out.WriteHeader(h)
	}
	content, err := os.ReadFile(b.staged(f.From))
	if err != nil {
		return err
	}
	h.Size = int64(len(content))
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	_, err = out.Write(content)
	return err
}

// Zip writes the programs for Windows, where "tcenvsvr service install" sets up the service.
func (b *Build) Zip(w io.Writer) error {
	out := zip.NewWriter(w)
	files := []string{"tcenvsvr.exe", "tcenvsvr-shim.exe", "README.md", "LICENSE", "changelog.yaml"}
	documents, err := fs.Glob(os.DirFS(b.Stage), "docs/*.md")
	if err != nil {
		return fmt.Errorf("making the zip for %s: %w", b.Arch, err)
	}
	for _, file := range append(files, documents...) {
		content, err := os.ReadFile(b.staged(file))
		if err != nil {
			return fmt.Errorf("making the zip for %s: %w", b.Arch, err)
		}
		name := path.Base(file)
		h := &zip.FileHeader{Name: Name + "/" + name, Method: zip.Deflate, Modified: b.Time}
		if strings.HasSuffix(name, ".exe") {
			h.SetMode(0o755)
		}
		entry, err := out.CreateHeader(h)
		if err == nil {
			_, err = entry.Write(content)
		}
		if err != nil {
			return fmt.Errorf("making the zip for %s: %s: %w", b.Arch, name, err)
		}
	}
	return out.Close()
}
