package dnf

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"tcenvsvr/agent/disk/atomicfile"
)

// A Signer is the key of the repository.
type Signer interface {
	SignArmored(io.Reader) ([]byte, error)
	Public() ([]byte, error)
}

// Repository is what a .repo file says about the repository.
type Repository struct {
	ID, Title string
	URL       string // where hosts find the folder
}

type repomd struct {
	XMLName  xml.Name `xml:"repomd"`
	NS       string   `xml:"xmlns,attr"`
	RPM      string   `xml:"xmlns:rpm,attr"`
	Revision int64    `xml:"revision"`
	Data     []data   `xml:"data"`
}

type data struct {
	Type         string   `xml:"type,attr"`
	Checksum     checksum `xml:"checksum"`
	OpenChecksum checksum `xml:"open-checksum"`
	Location     struct {
		Href string `xml:"href,attr"`
	} `xml:"location"`
	Timestamp int64 `xml:"timestamp"`
	Size      int   `xml:"size"`
	OpenSize  int   `xml:"open-size"`
}

const keyName = "RPM-GPG-KEY-"

// Write makes a repository of the packages in dir.
func (r Repository) Write(dir string, key Signer) error {
	if err := r.write(dir, key); err != nil {
		return fmt.Errorf("making a repository of %q: %w", dir, err)
	}
	return nil
}

func (r Repository) write(dir string, key Signer) error {
	rpms, err := find(dir)
	if err != nil {
		return err
	}
	var newest int64
	for _, p := range rpms {
		newest = max(newest, p.built)
	}
	first, err := newPrimary(rpms)
	if err != nil {
		return err
	}
	repodata := filepath.Join(dir, "repodata")
	if err := os.MkdirAll(repodata, 0o755); err != nil {
		return err
	}
	index := repomd{NS: "http://linux.duke.edu/metadata/repo", RPM: "http://linux.duke.edu/metadata/rpm", Revision: newest}
	for _, part := range []struct {
		kind string
		doc  any
	}{
		{"primary", first},
		{"filelists", newDetails("filelists", "filelists", rpms, addFiles)},
		{"other", newDetails("otherdata", "other", rpms, addChanges)},
	} {
		d, err := writeData(dir, part.kind, part.doc, newest)
		if err != nil {
			return err
		}
		index.Data = append(index.Data, d)
	}
	text, err := encode(index)
	if err != nil {
		return err
	}
	signature, err := key.SignArmored(bytes.NewReader(text))
	if err != nil {
		return err
	}
	public, err := key.Public()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{
		{keyName + r.ID, public},
		{r.ID + ".repo", r.config()},
		// A client between these two steps sees a signature that does not fit and tries again. It
		// never uses what is not signed.
		{"repodata/repomd.xml.asc", signature},
		{"repodata/repomd.xml", text},
	} {
		if err := atomicfile.WriteFile(filepath.Join(dir, f.name), f.text, 0o644); err != nil {
			return err
		}
	}
	return removeOld(repodata, index)
}

func writeData(dir, kind string, doc any, time int64) (data, error) {
	text, err := encode(doc)
	if err != nil {
		return data{}, err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text); err != nil {
		return data{}, err
	}
	if err := z.Close(); err != nil {
		return data{}, err
	}
	d := data{Type: kind, Checksum: checksum{Type: "sha256", Value: digest(packed.Bytes())},
		OpenChecksum: checksum{Type: "sha256", Value: digest(text)}, Timestamp: time, Size: packed.Len(), OpenSize: len(text)}
	d.Location.Href = "repodata/" + d.Checksum.Value + "-" + kind + ".xml.gz"
	return d, atomicfile.WriteFile(filepath.Join(dir, d.Location.Href), packed.Bytes(), 0o644)
}

// removeOld removes the files that only earlier indexes named.
func removeOld(repodata string, index repomd) error {
	keep := map[string]bool{}
	for _, d := range index.Data {
		keep[filepath.Base(d.Location.Href)] = true
	}
	found, err := filepath.Glob(filepath.Join(repodata, "*.xml.gz"))
	if err != nil {
		return err
	}
	for _, file := range found {
		if keep[filepath.Base(file)] {
			continue
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

func encode(doc any) ([]byte, error) {
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

var config = template.Must(template.New("repo").Parse(`# Copy to /etc/yum.repos.d/ and run: dnf install threatconnect-envsvr
[{{.ID}}]
name={{.Title}}
baseurl={{.URL}}
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey={{.URL}}/RPM-GPG-KEY-{{.ID}}
`))

func (r Repository) config() []byte {
	r.URL = strings.TrimRight(r.URL, "/")
	var out bytes.Buffer
	_ = config.Execute(&out, r) // a buffer takes everything, and the fields are strings
	return out.Bytes()
}
