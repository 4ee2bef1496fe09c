package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"tcenvsvr/cmd/tccloud/internal/registry"
)

// Kind says which parts of a bundle are wanted.
type Kind string

// The kinds.
const (
	All        Kind = "all"
	EnvOnly    Kind = "env"
	ServerOnly Kind = "server"
)

// ErrNoPackage answers kind server.
var ErrNoPackage = errors.New("this cloud has no package of the Environment Server to give")

const top = "threatconnect-envsvr/"

// Content is what goes into one bundle.
type Content struct {
	Kind       Kind
	Identity   registry.Issued
	APIURL     string              // setting apiURL, e.g. https://cloud.example
	BrokerHost string              // setting brokerHost, host:port
	CAs        []*x509.Certificate // that the agent shall trust for the cloud, besides the system's
}

// Check reports a kind that does not exist or cannot be served, before
// an identity is issued for it.
func (k Kind) Check() error {
	switch k {
	case All, EnvOnly:
		return nil
	case ServerOnly:
		return ErrNoPackage
	}
	return fmt.Errorf("bundle kind %.40q: want all, env or server", string(k))
}

// Build returns the ZIP. It is small and secret, so it is made in memory.
func Build(c Content) ([]byte, error) {
	if err := c.Kind.Check(); err != nil {
		return nil, err
	}
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
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	now := time.Now().UTC()
	add(w, "README.txt", 0o644, now, readme(c, keystore != nil))
	add(w, ".tcenvsvr/environment.env", 0o600, now, env)
	if keystore != nil {
		add(w, ".tcenvsvr/keystore.p12", 0o600, now, keystore)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	return buf.Bytes(), nil
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

// add writes one file; into a bytes.Buffer that cannot fail.
func add(w *zip.Writer, name string, mode fs.FileMode, at time.Time, data []byte) {
	h := &zip.FileHeader{Name: top + name, Method: zip.Deflate, Modified: at}
	h.SetMode(mode)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, _ = f.Write(data)
	}
}

func newPassword() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}
