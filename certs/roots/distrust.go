package roots

import (
	"bufio"
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tcenvsvr/certs/cert"
)

// Distrust holds the fingerprints of certificates that must not be trusted, whatever store has
// them; each with the place that says so.
type Distrust map[string]string

// DistrustFiles returns the files that [Distrusted] reads, for callers that watch them.
func DistrustFiles(javaFile string) []string {
	files := slices.Concat(blockFolders, []string{debianList, redhatTrust})
	if javaFile != "" {
		files = append(files, blockedCerts(javaFile))
	}
	return files
}

// blockedCerts is the file beside cacerts that names certificates which the JVM itself refuses.
func blockedCerts(javaFile string) string {
	return filepath.Join(filepath.Dir(javaFile), "blocked.certs")
}

// Distrusted collects the certificates that the host and the JDK distrust. The error names lists
// that exist but cannot be read; their entries are missing in the result.
func Distrusted(javaFile string) (Distrust, error) {
	d := Distrust{}
	var unread []error
	list := func(err error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			unread = append(unread, fmt.Errorf("reading what is not to be trusted: %w", err))
		}
	}
	for _, dir := range blockFolders {
		entries, err := os.ReadDir(dir)
		list(err)
		for _, e := range entries {
			if !e.IsDir() {
				list(d.addCertificates(filepath.Join(dir, e.Name())))
			}
		}
	}
	list(d.addDebian())
	data, err := read(redhatTrust)
	list(err)
	d.addRejected(redhatTrust, data)
	if javaFile != "" {
		list(d.addFingerprints(blockedCerts(javaFile)))
	}
	d.addStore()
	return d, errors.Join(unread...)
}

// addCertificates adds the certificates of a file. A file without any is not an error.
func (d Distrust) addCertificates(file string) error {
	data, err := read(file)
	if err != nil {
		return err
	}
	certs, _, err := cert.Parse(data)
	if err != nil {
		return nil
	}
	for _, c := range certs {
		d[cert.Fingerprint(c)] = file
	}
	return nil
}

// addDebian reads ca-certificates.conf: a line that begins with ! distrusts a certificate of the
// package.
func (d Distrust) addDebian() error {
	data, err := read(debianList)
	if err != nil {
		return err
	}
	var unread []error
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok && filepath.IsLocal(name) {
			if err := d.addCertificates(filepath.Join(debianCerts, name)); !errors.Is(err, fs.ErrNotExist) {
				unread = append(unread, err)
			}
		}
	}
	return errors.Join(unread...)
}

// addFingerprints reads a list of SHA-256 in hex.
func (d Distrust) addFingerprints(file string) error {
	data, err := read(file)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		text := strings.ToLower(strings.TrimSpace(lines.Text()))
		if b, err := hex.DecodeString(text); err == nil && len(b) == 32 {
			d[text] = file
		}
	}
	return nil
}

var (
	oidServerAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	oidAnyUsage   = asn1.ObjectIdentifier{2, 5, 29, 37, 0}
)

// addRejected reads OpenSSL's trusted certificates, which update-ca-trust writes: the uses for
// which a certificate is rejected follow the certificate.
func (d Distrust) addRejected(file string, text []byte) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return
		}
		var first, aux asn1.RawValue
		rest, err := asn1.Unmarshal(block.Bytes, &first)
		if err != nil || len(rest) == 0 || block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		if _, err := asn1.Unmarshal(rest, &aux); err != nil || !rejectsServers(aux.Bytes) {
			continue
		}
		if certs, _, err := cert.Parse(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: first.FullBytes})); err == nil {
			d[cert.Fingerprint(certs[0])] = file
		}
	}
}

// rejectsServers reports whether the list [0] of rejected uses includes servers.
func rejectsServers(aux []byte) bool {
	for len(aux) > 0 {
		var part asn1.RawValue
		var err error
		if aux, err = asn1.Unmarshal(aux, &part); err != nil {
			return false
		}
		if part.Class != asn1.ClassContextSpecific || part.Tag != 0 {
			continue
		}
		for uses := part.Bytes; len(uses) > 0; {
			var use asn1.ObjectIdentifier
			if uses, err = asn1.Unmarshal(uses, &use); err != nil {
				return false
			}
			if use.Equal(oidServerAuth) || use.Equal(oidAnyUsage) {
				return true
			}
		}
	}
	return false
}
