package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"software.sslmate.com/src/go-pkcs12"

	"tcenvsvr/agent/atomicfile"
)

// TrustStore is a merged set on disk.
type TrustStore struct {
	dir string
}

// Names of the files.
const (
	pemFile = "ca-bundle.pem"
	p12File = "cacerts.p12"
)

// Build merges the host's roots and the private CAs and writes all forms
// into dir. Where the host keeps its roots in no file, jobs are
// told nothing and use what their runtime does: a set without the public roots would take them away.
func Build(dir string, private []*x509.Certificate) (*TrustStore, error) {
	system, err := System()
	if errors.Is(err, errors.ErrUnsupported) {
		return &TrustStore{}, err
	}
	if err != nil {
		return nil, err
	}
	all := Merge(system, private)
	entries := make([]pkcs12.TrustStoreEntry, len(all))
	for i, c := range all {
		// The alias must be unique: by subject, the second of two CAs of one name is lost.
		entries[i] = pkcs12.TrustStoreEntry{Cert: c, FriendlyName: Fingerprint(c)}
	}
	// Passwordless is the one PKCS#12 form that a JVM reads without being given a password.
	p12, err := pkcs12.Passwordless.EncodeTrustStoreEntries(entries, "")
	if err != nil {
		return nil, fmt.Errorf("building the Java trust store: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("building trust stores: %w", err)
	}
	for name, data := range map[string][]byte{pemFile: encodePEM(all), p12File: p12} {
		if err := atomicfile.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return nil, fmt.Errorf("building trust stores: %w", err)
		}
	}
	return &TrustStore{dir: dir}, nil
}

// Env is what Python, and tools that Apps call, must be told. Each
// variable replaces what its reader trusts by itself, so the set is complete.
func (t *TrustStore) Env() []string {
	if t.dir == "" {
		return nil
	}
	file := filepath.Join(t.dir, pemFile)
	var env []string
	for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"} {
		env = append(env, name+"="+file)
	}
	return env
}

// JavaArgs are the options for a JVM.
func (t *TrustStore) JavaArgs() []string {
	if t.dir == "" {
		return nil
	}
	return []string{
		"-Djavax.net.ssl.trustStore=" + filepath.Join(t.dir, p12File),
		"-Djavax.net.ssl.trustStoreType=PKCS12",
	}
}
