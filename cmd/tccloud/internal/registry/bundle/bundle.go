package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"tcenvsvr/cmd/tccloud/internal/registry"
)

// Kind tells which parts a bundle has.
type Kind string

// The kinds.
const (
	Any        Kind = ""       // all of it, or without a package where the cloud has none
	All        Kind = "all"    // all of it
	EnvOnly    Kind = "env"    // no package
	ServerOnly Kind = "server" // only the package; Build does not make it
)

const top = "threatconnect-envsvr/"

// Content is what goes into one bundle.
type Content struct {
	Identity   registry.Issued
	APIURL     string              // setting apiURL, e.g. https://cloud.example
	BrokerHost string              // setting brokerHost, host:port of one or several
	CAs        []*x509.Certificate // that the agent shall trust for the cloud, besides the system's
	Package    *Package            // nil without one
}

// Package is an installation package, which is put into a bundle unchanged.
type Package struct {
	Name    string // of the file
	System  string // rpm, deb, tar.gz, zip
	SHA256  string
	Content io.Reader
}

// Check returns an error for a kind that does not exist, so that no identity is issued for it.
func (k Kind) Check() error {
	switch k {
	case Any, All, EnvOnly, ServerOnly:
		return nil
	}
	return fmt.Errorf("bundle kind %.40q: want all, env or server", string(k))
}

// Bundle is ready to be written.
type Bundle struct {
	// Name is that of the usual file.
	Name   string
	parts  []part
	server *Package
}

// part is a small file of the bundle, in memory because it is secret.
type part struct {
	name string
	mode fs.FileMode
	text []byte
}

// Build makes a bundle. All errors in its content are found here; only the writer or the package
// can fail later.
func Build(c Content) (*Bundle, error) {
	settings := []setting{
		{"apiURL", c.APIURL},
		{"brokerHost", c.BrokerHost},
		{"brokerToken", c.Identity.BrokerToken},
		{"appDeliveryToken", c.Identity.DeliveryToken},
		{"serverXid", string(c.Identity.XID)},
		{"serverName", c.Identity.Name},
		{"environment", c.Identity.Environment},
	}
	var keystore []byte
	if c.Identity.Key != nil {
		password := newPassword()
		var err error
		keystore, err = pkcs12.Modern2023.Encode(c.Identity.Key, c.Identity.Certificate, c.CAs, password)
		if err != nil {
			return nil, fmt.Errorf("making the keystore of server %q: %w", c.Identity.XID, err)
		}
		settings = append(settings, setting{"keystorePassword", password})
	}
	env, err := environment(settings)
	if err != nil {
		return nil, err
	}
	if keystore == nil && c.Package == nil {
		return &Bundle{Name: "environment.env", parts: []part{{"", 0o600, append(remarks(c), env...)}}}, nil
	}
	b := &Bundle{Name: "threatconnect-envsvr-bundle.zip", server: c.Package, parts: []part{
		{"README.txt", 0o644, readme(c, keystore != nil)}, {".tcenvsvr/environment.env", 0o600, env},
	}}
	if keystore != nil {
		b.parts = append(b.parts, part{".tcenvsvr/keystore.p12", 0o600, keystore})
	}
	return b, nil
}

// Write writes the ZIP, or the configuration alone if there is nothing else. The package is copied
// and not compressed again.
func (b *Bundle) Write(out io.Writer) error {
	if len(b.parts) == 1 {
		_, err := out.Write(b.parts[0].text)
		return err
	}
	w := zip.NewWriter(out)
	now := time.Now().UTC()
	for _, p := range b.parts {
		if err := add(w, p.name, p.mode, zip.Deflate, now, bytes.NewReader(p.text)); err != nil {
			return err
		}
	}
	if b.server != nil {
		if err := add(w, b.server.Name, 0o644, zip.Store, now, b.server.Content); err != nil {
			return err
		}
	}
	return w.Close()
}

type setting struct{ name, value string }

func environment(settings []setting) ([]byte, error) {
	var b bytes.Buffer
	for _, s := range settings {
		if strings.ContainsFunc(s.value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return nil, fmt.Errorf("writing setting %q: its value has a control character", s.name)
		}
		fmt.Fprintf(&b, "%s=%s\n", s.name, s.value)
	}
	return b.Bytes(), nil
}

// add writes one file.
func add(w *zip.Writer, name string, mode fs.FileMode, method uint16, at time.Time, content io.Reader) error {
	h := &zip.FileHeader{Name: top + name, Method: method, Modified: at}
	h.SetMode(mode)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = io.Copy(f, content)
	}
	return err
}

func newPassword() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}
