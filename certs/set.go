package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/keystore"
)

// Names in the folder of sets.
const (
	PEMFile    = "ca-bundle.pem"
	JKSFile    = "cacerts.jks"
	P12File    = "cacerts.p12"
	current    = "current"
	leases     = "jobs"
	tempPrefix = ".new-"
)

// Set is a merged set of CAs on disk, which never changes. The zero Set gives jobs nothing: they
// trust their runtime's default CAs.
type Set struct {
	Dir    string // absolute, named by Digest
	Digest string
	Count  int

	pool func() (*x509.CertPool, error)
}

// forms returns the files of a set.
func forms(certs []*x509.Certificate) (map[string][]byte, error) {
	p12, err := keystore.PKCS12(certs)
	if err != nil {
		return nil, fmt.Errorf("encoding PKCS#12: %w", err)
	}
	return map[string][]byte{PEMFile: PEM(certs), JKSFile: keystore.JKS(certs), P12File: p12}, nil
}

// PEM returns certs in PEM format, each below its subject for people who read the file.
func PEM(certs []*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		fmt.Fprintf(&b, "# %s\n", cert.Name(c.Subject))
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // writing to a Buffer does not fail
	}
	return b.Bytes()
}

// write makes the set of certs below dir and points to it. If the set exists, it repairs files that
// were damaged.
func write(dir string, certs []*x509.Certificate) (*Set, error) {
	fail := func(err error) (*Set, error) {
		return nil, fmt.Errorf("writing trust stores below %q: %w", dir, err)
	}
	files, err := forms(certs)
	if err != nil {
		return fail(err)
	}
	sum := sha256.Sum256(files[PEMFile])
	digest := hex.EncodeToString(sum[:16])
	set := newSet(filepath.Join(dir, digest), digest, len(certs))
	if _, there := os.Stat(set.Dir); there == nil {
		err = repair(set.Dir, files)
	} else {
		err = create(dir, set.Dir, files)
	}
	if err == nil {
		err = point(dir, digest)
	}
	if err != nil {
		return fail(err)
	}
	return set, nil
}

// create writes a set beside its place and then renames it.
func create(dir, place string, files map[string][]byte) error {
	temp, err := os.MkdirTemp(dir, tempPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) // does nothing once it is renamed
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	for name, data := range files {
		if err := writeFile(filepath.Join(temp, name), data); err != nil {
			return err
		}
	}
	err = atomicfile.Rename(temp, place)
	if _, statErr := os.Stat(place); err != nil && statErr == nil {
		return repair(place, files) // another process has made it
	}
	return err
}

// repair writes the files of a set that differ from what they must hold.
func repair(place string, files map[string][]byte) error {
	if err := os.Chmod(place, 0o755); err != nil && !errors.Is(err, os.ErrPermission) {
		return err
	}
	for name, data := range files {
		path := filepath.Join(place, name)
		info, err := os.Lstat(path)
		if err == nil && info.Mode() == 0o644 {
			if got, err := os.ReadFile(path); err == nil && bytes.Equal(got, data) {
				continue
			}
		}
		if err := writeFile(path, data); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file that everybody may read.
func writeFile(path string, data []byte) error {
	if err := atomicfile.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	return nil
}

func newSet(dir, digest string, count int) *Set {
	s := &Set{Dir: dir, Digest: digest, Count: count}
	s.pool = sync.OnceValues(func() (*x509.CertPool, error) {
		text, err := os.ReadFile(s.PEM())
		if err != nil {
			return nil, fmt.Errorf("reading the trusted CAs: %w", err)
		}
		// Unlike AddCert this keeps only a certificate's bytes and parses them when needed, which
		// takes a tenth of the memory.
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("reading the trusted CAs: %q holds none", s.PEM())
		}
		return pool, nil
	})
	return s
}

// PEM returns the file for all programs but Java.
func (s *Set) PEM() string { return filepath.Join(s.Dir, PEMFile) }

// Files returns the files that jobs read.
func (s *Set) Files() []string {
	return []string{s.PEM(), filepath.Join(s.Dir, JKSFile), filepath.Join(s.Dir, P12File)}
}

// Variables are the environment variables that Python, and tools that Apps call, read. Each
// replaces the default CAs of its reader, except Node's, so the set must be complete.
var Variables = []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"}

// Env returns the variables of a job's environment. JAVA_TOOL_OPTIONS is for JVMs that an App
// starts; the App's own JVM gets [Set.JavaArgs], which win over the environment.
func (s *Set) Env() []string {
	if s.Dir == "" {
		return nil
	}
	var env []string
	for _, name := range Variables {
		env = append(env, name+"="+s.PEM())
	}
	return append(env, "JAVA_TOOL_OPTIONS="+javaOptions(s.JavaArgs()))
}

// javaOptions joins args and quotes those that have spaces.
func javaOptions(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; strings.ContainsAny(a, " \t") {
			quoted[i] = `"` + a + `"`
		}
	}
	return strings.Join(quoted, " ")
}

// JavaArgs returns the options for a JVM. They name the store's type, because FIPS configurations
// have another default.
func (s *Set) JavaArgs() []string {
	if s.Dir == "" {
		return nil
	}
	return []string{
		"-Djavax.net.ssl.trustStore=" + filepath.Join(s.Dir, JKSFile),
		"-Djavax.net.ssl.trustStoreType=JKS",
	}
}
