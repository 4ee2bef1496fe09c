package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/privatefile"
)

// Due returns when the certificate is to be renewed: at two thirds of its life.
func Due(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 3 * 2)
}

// newest is the certificate that was stored last. i.mu is held.
func (i *Identity) newest() *x509.Certificate {
	if i.pending != nil {
		return i.pending.Leaf
	}
	return i.current.Leaf
}

// Request returns a request for a certificate with a fresh key. The key is kept in memory until
// [Identity.Renewed] gets its certificate.
func (i *Identity) Request() (*wire.Renew, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: i.current.Leaf.Subject.CommonName},
	}, key)
	if err != nil {
		return nil, fmt.Errorf("making a request for a certificate: %w", err)
	}
	i.asked = key
	sum := sha256.Sum256(i.newest().Raw)
	return &wire.Renew{Request: der, Newest: wire.SHA256(hex.EncodeToString(sum[:]))}, nil
}

// Renewed stores the certificate that the cloud signed for the last request.
func (i *Identity) Renewed(der []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("reading the renewed certificate: %w", err)
	}
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	switch {
	case i.asked == nil:
		return errors.New("reading the renewed certificate: none was asked for")
	case !ok || !key.Equal(&i.asked.PublicKey):
		return errors.New("reading the renewed certificate: it is not for the key of the last request")
	case leaf.Subject.CommonName != i.current.Leaf.Subject.CommonName:
		return fmt.Errorf("reading the renewed certificate: it is for server %.70q, and this is %.70q", leaf.Subject.CommonName, i.current.Leaf.Subject.CommonName)
	case time.Now().After(leaf.NotAfter):
		return fmt.Errorf("reading the renewed certificate: it expired on %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	cert := tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: i.asked, Leaf: leaf}
	if err := i.inUse(); err != nil {
		return err
	}
	keystore, err := bundle.Keystore(cert, i.cas, i.password)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(i.path+renewedSuffix, keystore, privatefile.Mode); err != nil {
		return fmt.Errorf("storing the renewed certificate: %w", err)
	}
	i.pending, i.asked, i.offered = &cert, nil, false
	return nil
}

// Proved says that the last connection became a session. It reports whether a renewed certificate
// is in use because of that.
func (i *Identity) Proved() (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.offered || i.pending == nil {
		return false, nil
	}
	if err := i.inUse(); err != nil {
		return false, err
	}
	if err := atomicfile.Rename(i.path+renewedSuffix, i.path); err != nil {
		return false, fmt.Errorf("taking the renewed certificate into use: %w", err)
	}
	i.current, i.pending, i.offered = *i.pending, nil, false
	return true, nil
}

// inUse reports that the keystore is no longer ours: this host was enrolled anew while we ran. i.mu
// is held.
func (i *Identity) inUse() error {
	if _, _, err := read(i.path, i.password); err != nil {
		return fmt.Errorf("this host was enrolled anew, restart the service: %w", err)
	}
	return nil
}

// due returns when the next request is to be sent: at once, if a renewed certificate is stored but
// a session had to open with the old one.
func (i *Identity) due() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.pending != nil {
		return time.Time{}
	}
	return Due(i.current.Leaf)
}

// pause returns the shortest time between two requests.
func (i *Identity) pause() time.Duration {
	c := i.Leaf()
	return min(time.Hour, max(time.Second, c.NotAfter.Sub(c.NotBefore)/10))
}
