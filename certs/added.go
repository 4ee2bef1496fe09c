package certs

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/certs/cert"
)

// Add stores a CA in the folder dir, in a file of its own that is named by its fingerprint. fresh
// is false if the CA was there already.
func Add(dir string, c *x509.Certificate, from string, now time.Time) (fresh bool, err error) {
	file := addedFile(dir, cert.Fingerprint(c))
	if _, err := os.Stat(file); err == nil {
		return false, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, fmt.Errorf("adding a CA: %w", err)
	}
	text := fmt.Sprintf("# %s\n# added %s from %q\n", cert.Name(c.Subject), now.UTC().Format(time.RFC3339), filepath.Base(from))
	text += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	if err := writeFile(file, []byte(text)); err != nil {
		return false, fmt.Errorf("adding a CA: %w", err)
	}
	return true, nil
}

func addedFile(dir, print string) string { return filepath.Join(dir, print+".pem") }

// Errors of Remove.
var (
	ErrUnknown   = errors.New("no private CA has this fingerprint")
	ErrAmbiguous = errors.New("several private CAs begin with this fingerprint")
	ErrDropped   = errors.New("it was not added by command but lies in a file of an administrator: remove it there")
)

// minPrint is how much of a fingerprint must be given.
const minPrint = 8

// Remove removes a CA that [Add] has stored, by its fingerprint or the beginning of it, with or
// without colons.
func (s Sources) Remove(print string, now time.Time) (Root, error) {
	print = strings.ToLower(strings.ReplaceAll(print, ":", ""))
	fail := func(err error) (Root, error) { return Root{}, fmt.Errorf("removing CA %.80q: %w", print, err) }
	if len(print) < minPrint {
		return fail(fmt.Errorf("give at least %d digits of its fingerprint; %w", minPrint, ErrUnknown))
	}
	h, err := s.Merge(now)
	if err != nil {
		return fail(err)
	}
	var found []Root
	for _, r := range append(h.Roots, h.Left...) {
		if r.Private && strings.HasPrefix(cert.Fingerprint(r.Cert), print) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0:
		return fail(ErrUnknown)
	case len(found) > 1:
		return fail(ErrAmbiguous)
	}
	r := found[0]
	file := addedFile(s.Added, cert.Fingerprint(r.Cert))
	if _, err := os.Lstat(file); errors.Is(err, os.ErrNotExist) {
		return fail(fmt.Errorf("%w: %q", ErrDropped, r.From))
	}
	if err := atomicfile.Remove(file); err != nil {
		return fail(err)
	}
	return r, nil
}

// Export writes the three forms of a set of CAs into dir.
func Export(dir string, list []*x509.Certificate) error {
	files, err := forms(list)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	for name, data := range files {
		if err == nil {
			err = atomicfile.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
	}
	if err != nil {
		return fmt.Errorf("exporting trust stores to %q: %w", dir, err)
	}
	return nil
}
