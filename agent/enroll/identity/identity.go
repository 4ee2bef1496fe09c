package identity

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/secret/privatefile"
)

const (
	nextSuffix    = ".next"
	renewedSuffix = ".renewed"
	maxKeystore   = 1 << 20
)

var (
	// ErrDamaged means that a keystore is there and cannot be used.
	ErrDamaged = errors.New("the keystore is damaged")
	// ErrMissing means that there is none on a host that is enrolled.
	ErrMissing = errors.New("the keystore is missing")
)

// Identity is the certificate in use and the one that is to replace it. It is safe for concurrent
// use.
type Identity struct {
	path, password string

	mu      sync.Mutex
	current tls.Certificate
	cas     []*x509.Certificate // of the cloud
	pending *tls.Certificate    // renewed, not proved
	offered bool                // the last connection offered pending
	asked   *ecdsa.PrivateKey   // the key of the request that was not answered yet
	unused  error               // why the renewed certificate on the disk is not pending
}

// Load opens the keystore at path. It finishes an enrollment that was cut off after its moment of
// change.
func Load(path, password string) (*Identity, error) {
	i := &Identity{path: path, password: password}
	cert, cas, err := read(path, password)
	if err != nil && !errors.Is(err, os.ErrPermission) {
		if next, nextCAs, nextErr := read(path+nextSuffix, password); nextErr == nil {
			cert, cas = next, nextCAs
			err = finish(path)
		}
	}
	if err != nil {
		return nil, err
	}
	i.current, i.cas = cert, cas
	renewed, _, err := read(path+renewedSuffix, password)
	switch {
	case err == nil && renewed.Leaf.Subject.CommonName == cert.Leaf.Subject.CommonName:
		i.pending = &renewed
	case err != nil && !errors.Is(err, fs.ErrNotExist): // it belongs to an earlier enrollment, or is damaged: the next renewal replaces it
		i.unused = err
	}
	return i, nil
}

// Renewed is where the certificate that replaces the one in a keystore lies until it is in use.
func Renewed(keystore string) string { return keystore + renewedSuffix }

// Unused returns why the renewed certificate on the disk is not used, nil if it is used or there is
// none.
func (i *Identity) Unused() error { return i.unused }

// finish puts the keystore of an enrollment in its place.
func finish(path string) error {
	if err := atomicfile.Rename(path+nextSuffix, path); err != nil {
		return fmt.Errorf("taking the new keystore into use: %w", err)
	}
	if err := os.Remove(path + renewedSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the old identity: %w", err)
	}
	return nil
}

const restore = "\nhint: restore it from a backup; without one make a fresh bundle (\"tccloud bundle ENV --server XID\") and run \"tcenvsvr enroll FILE\""

func read(path, password string) (tls.Certificate, []*x509.Certificate, error) {
	data, err := privatefile.Read(path, maxKeystore)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("reading keystore: %w", err)
	}
	cert, cas, err := bundle.Identity(data, password)
	switch {
	case errors.Is(err, bundle.ErrPassword): // a flipped bit gives the same error
		return cert, cas, fmt.Errorf("reading keystore %q: %w, or is not the one of keystorePassword in the settings: %w%s", path, ErrDamaged, err, restore)
	case err != nil:
		return cert, cas, fmt.Errorf("reading keystore %q: %w: %w%s", path, ErrDamaged, err, restore)
	}
	return cert, cas, nil
}

// Replace replaces the keystore at path. commit stores the password of the new one: when it has
// returned nil, [Load] finds the new identity.
func Replace(path string, keystore []byte, commit func() error) error {
	if err := atomicfile.WriteFile(path+nextSuffix, keystore, privatefile.Mode); err != nil {
		return fmt.Errorf("storing the new keystore: %w", err)
	}
	if err := commit(); err != nil {
		return errors.Join(err, os.Remove(path+nextSuffix))
	}
	return finish(path)
}

// Remove deletes every keystore at path.
func Remove(path string) error {
	var errs []error
	for _, suffix := range []string{renewedSuffix, nextSuffix, ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// CAs are the cloud's own, which came with the certificate.
func (i *Identity) CAs() []*x509.Certificate { return i.cas }

// Leaf is the certificate in use.
func (i *Identity) Leaf() *x509.Certificate {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.current.Leaf
}

// Current is the certificate in use with its key.
func (i *Identity) Current() tls.Certificate {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.current
}

// Certificate is tls.Config.GetClientCertificate with the one in use.
func (i *Identity) Certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := i.current
	return &c, nil
}

// Offer is tls.Config.GetClientCertificate for the link: a renewed certificate is tried on every
// other connection until Proved.
func (i *Identity) Offer(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.offered = i.pending != nil && !i.offered
	c := i.current
	if i.offered {
		c = *i.pending
	}
	return &c, nil
}
