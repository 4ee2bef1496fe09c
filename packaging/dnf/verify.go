package dnf

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tcenvsvr/packaging/pgp"
)

// limit is the largest size of unpacked metadata, in bytes.
const limit = 256 << 20

// Verify checks a repository as dnf does with repo_gpgcheck=1, and checks that it lists each
// package with its digest. It returns the names of the packages.
func Verify(dir string, keys pgp.Keys) ([]string, error) {
	names, err := verify(dir, keys)
	if err != nil {
		return nil, fmt.Errorf("checking the repository %q: %w", dir, err)
	}
	return names, nil
}

func verify(dir string, keys pgp.Keys) ([]string, error) {
	root, err := os.OpenRoot(dir) // names in the metadata must stay inside
	if err != nil {
		return nil, err
	}
	defer root.Close()
	text, err := root.ReadFile("repodata/repomd.xml")
	if err != nil {
		return nil, err
	}
	signature, err := root.ReadFile("repodata/repomd.xml.asc")
	if err != nil {
		return nil, err
	}
	if err := pgp.Verify(keys, bytes.NewReader(text), bytes.NewReader(signature)); err != nil {
		return nil, fmt.Errorf("repomd.xml: %w", err)
	}
	var index repomd
	if err := xml.Unmarshal(text, &index); err != nil {
		return nil, fmt.Errorf("repomd.xml: %w", err)
	}
	var list []byte
	for _, d := range index.Data {
		unpacked, err := d.open(root)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Location.Href, err)
		}
		if d.Type == "primary" {
			list = unpacked
		}
	}
	if list == nil {
		return nil, errors.New("repomd.xml names no primary metadata")
	}
	return verifyPackages(root, dir, list)
}

func (d data) open(root *os.Root) ([]byte, error) {
	packed, err := root.ReadFile(filepath.FromSlash(d.Location.Href))
	if err != nil {
		return nil, err
	}
	if got := digest(packed); d.Checksum.Type != "sha256" || got != d.Checksum.Value {
		return nil, fmt.Errorf("its sha256 is %s, repomd.xml says %s %s", got, d.Checksum.Type, d.Checksum.Value)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, limit))
}

// listing is the part of primary.xml that Verify checks.
type listing struct {
	Packages []struct {
		Checksum checksum `xml:"checksum"`
		Location struct {
			Href string `xml:"href,attr"`
		} `xml:"location"`
	} `xml:"package"`
}

func verifyPackages(root *os.Root, dir string, list []byte) ([]string, error) {
	var l listing
	if err := xml.Unmarshal(list, &l); err != nil {
		return nil, fmt.Errorf("primary metadata: %w", err)
	}
	listed := map[string]bool{}
	var names []string
	for _, p := range l.Packages {
		content, err := root.ReadFile(filepath.FromSlash(p.Location.Href))
		if err != nil {
			return nil, err
		}
		if got := digest(content); p.Checksum.Type != "sha256" || got != p.Checksum.Value {
			return nil, fmt.Errorf("%s: its sha256 is %s, the repository says %s %s", p.Location.Href, got, p.Checksum.Type, p.Checksum.Value)
		}
		listed[p.Location.Href] = true
		names = append(names, p.Location.Href)
	}
	lying, err := filepath.Glob(filepath.Join(dir, "*.rpm"))
	if err != nil {
		return nil, err
	}
	for _, file := range lying {
		if name := filepath.Base(file); !listed[name] {
			return nil, fmt.Errorf("%s is not in the repository's list: run tcrelease repo again", strings.TrimSpace(name))
		}
	}
	return names, nil
}
