package roots

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"

	"tcenvsvr/certs/cert"
)

// Found are the certificates of one place.
type Found struct {
	Place string // a file, or the name of a store
	Certs []*x509.Certificate
	// Skipped counts those that cannot be read: one odd root must not make the others unusable.
	Skipped int
}

// ErrNone means that this host has no roots in any of the known places.
var ErrNone = errors.New("this host keeps its trusted CAs in none of the known places")

// firstFile reads the first of the files that exists.
func firstFile(files []string) (Found, error) {
	for _, file := range files {
		data, err := read(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		var certs []*x509.Certificate
		var skipped []error
		if err == nil {
			certs, skipped, err = cert.Parse(data)
		}
		if err != nil {
			return Found{}, fmt.Errorf("reading the host's trusted CAs from %q: %w", file, err)
		}
		return Found{Place: file, Certs: certs, Skipped: len(skipped)}, nil
	}
	return Found{}, fmt.Errorf("%w: %q", ErrNone, files)
}

// read reads a file of bounded size.
func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, cert.MaxFile+1))
	if err == nil && len(data) > cert.MaxFile {
		err = fmt.Errorf("it is larger than %d MiB", cert.MaxFile>>20)
	}
	return data, err
}
