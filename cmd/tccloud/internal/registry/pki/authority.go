package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/host/clock"
)

// Lifetimes of what is issued.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 397 * 24 * time.Hour // the longest that browsers accept
	clientLife    = 365 * 24 * time.Hour
	// backdate lets hosts whose clock is slow use a fresh certificate.
	backdate = time.Hour
)

// Authority signs certificates. It is safe for concurrent use.
type Authority struct {
	pair
	dir  string
	pool *x509.CertPool
	life time.Duration // of client certificates
}

// OpenAuthority loads the CA from dir, and makes it if there is none yet. A CA that is there but
// cannot be read is an error and never replaced: every agent in the field trusts only the old one.
func OpenAuthority(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the CA: %w", err)
	}
	if err := atomicfile.Sweep(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "ca.pem")
	p, err := readPair(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if p, err = newAuthority(); err != nil {
			return nil, fmt.Errorf("making the CA: %w", err)
		}
		if err := p.write(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("reading the CA: %w", err)
	case !p.cert.IsCA:
		return nil, fmt.Errorf("reading the CA: the certificate in %q is not a CA's", path)
	}
	a := &Authority{pair: p, dir: dir, pool: x509.NewCertPool(), life: clientLife}
	a.pool.AddCert(p.cert)
	if err := atomicfile.WriteFile(a.CertFile(), p.certPEM(), 0o644); err != nil {
		return nil, err
	}
	return a, nil
}

func newAuthority() (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	template := &x509.Certificate{
		// The serial in the name keeps two clouds' CAs apart in one trust store.
		SerialNumber:          serial(),
		NotBefore:             clock.Epoch.Add(-backdate), // the clock of the first start may be wrong, and a CA is for ever
		NotAfter:              now().Add(authorityLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	template.Subject = pkix.Name{
		Organization: []string{"tccloud"},
		CommonName:   fmt.Sprintf("tccloud CA %x", template.SerialNumber.Bytes()[:4]),
	}
	return sign(template, template, key, key)
}

// CertFile is the path of the CA certificate in PEM, to give to clients.
func (a *Authority) CertFile() string { return filepath.Join(a.dir, "ca.crt") }

// Certificate is the CA's certificate.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// IssueClient makes a key and a certificate that names cn, for TLS clients only.
func (a *Authority) IssueClient(cn string) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	p, err := a.issue(a.client(cn), a.life)
	if err != nil {
		return nil, nil, fmt.Errorf("issuing the client certificate of %q: %w", cn, err)
	}
	return p.key, p.cert, nil
}

// ClientLife changes how long the client certificates issued from now on live.
func (a *Authority) ClientLife(life time.Duration) { a.life = life }

// Life is how long they live.
func (a *Authority) Life() time.Duration { return a.life }

// SignClient signs a certificate for cn and the key of a PKCS#10 request. Everything else in the
// request, its name too, is ignored.
func (a *Authority) SignClient(cn string, request []byte) (*x509.Certificate, error) {
	r, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("checking that the request is signed by its key: %w", err)
	}
	key, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("its key is not one for ECDSA P-256")
	}
	return a.certify(a.client(cn), key, a.life)
}

func (a *Authority) client(cn string) *x509.Certificate {
	return &x509.Certificate{
		NotBefore:   now().Add(-min(backdate, a.life/10)), // a certificate with a short life would have expired at once
		Subject:     pkix.Name{CommonName: cn, Organization: []string{"tccloud Environment Server"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// VerifyClient returns why cert is not a valid client certificate of this CA, or nil.
func (a *Authority) VerifyClient(cert *x509.Certificate) error {
	if cert.IsCA {
		return errors.New("a CA certificate is no client's")
	}
	_, err := cert.Verify(x509.VerifyOptions{
		Roots:     a.pool,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

func (a *Authority) issue(template *x509.Certificate, life time.Duration) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	cert, err := a.certify(template, &key.PublicKey, life)
	return pair{cert, key}, err
}

func (a *Authority) certify(template *x509.Certificate, key *ecdsa.PublicKey, life time.Duration) (*x509.Certificate, error) {
	now := now()
	if now.After(a.cert.NotAfter) {
		return nil, fmt.Errorf("the CA is valid until %s, and this host's clock says %s\nhint: set the clock",
			a.cert.NotAfter.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime))
	}
	template.SerialNumber = serial()
	if template.NotBefore.IsZero() {
		template.NotBefore = now.Add(-backdate)
	}
	template.NotAfter = now.Add(life)
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// now is the time, or the earliest possible time if the clock is behind it.
func now() time.Time {
	if t := time.Now(); t.After(clock.Epoch) {
		return t
	}
	return clock.Epoch
}

// serial returns 127 random bits, as RFC 5280 wants them: positive and never used before.
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}
