package cert

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf16"

	"tcenvsvr/agent/disk/plainfile"
	"tcenvsvr/agent/logging/plain"
)

// MaxFile bounds a file of certificates in bytes. All public roots of a host take a twentieth of
// it.
const MaxFile = 4 << 20

// Errors of a file as a whole.
var (
	ErrPrivateKey = errors.New("it holds a private key, so nothing of it was read\n" +
		"hint: a key has no business among trusted certificates: keep it with its server only, and give a file that has certificates alone")
	ErrNoCertificate = errors.New("there is no certificate in it")
)

// ReadFile is Parse for a file, with its name in the error.
func ReadFile(file string) ([]*x509.Certificate, []error, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|plainfile.NoWait, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("reading certificates: %w", err)
	}
	defer f.Close()
	return Read(f)
}

// Read is ReadFile for a file that is open already.
func Read(f *os.File) ([]*x509.Certificate, []error, error) {
	file := f.Name()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("reading certificates: %q is not a regular file", file)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err == nil {
		var certs []*x509.Certificate
		var skipped []error
		if certs, skipped, err = Parse(data); err == nil {
			return certs, skipped, nil
		}
	}
	return nil, nil, fmt.Errorf("reading certificates from %q: %w", file, err)
}

// Parse returns the certificates of a file in their order. skipped has an error for each part that
// is damaged or no certificate. err means that the file as a whole cannot be used.
func Parse(data []byte) (certs []*x509.Certificate, skipped []error, err error) {
	if len(data) > MaxFile {
		return nil, nil, fmt.Errorf("it is larger than %d MiB, which no file of certificates is", MaxFile>>20)
	}
	data = bytes.TrimPrefix(fromUTF16(data), []byte("\xef\xbb\xbf")) // the byte order mark of some editors
	switch {
	case bytes.Contains(data, []byte("PRIVATE KEY-----")) || isKey(data):
		return nil, nil, ErrPrivateKey
	case bytes.Contains(data, []byte("-----BEGIN ")):
		certs, skipped = parsePEM(data)
	default:
		certs, err = parseDER(data)
	}
	if err == nil && len(certs) == 0 {
		err = ErrNoCertificate
		if len(skipped) > 0 {
			err = fmt.Errorf("%w: %w", err, skipped[0])
		}
	}
	return certs, skipped, err
}

// fromUTF16 returns text in UTF-16, as PowerShell's > writes it, in UTF-8, and other data as it is. Its
// byte order mark tells; no DER begins with one.
func fromUTF16(data []byte) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return data
	}
	units := make([]uint16, 0, len(data)/2)
	for rest := data[2:]; len(rest) >= 2; rest = rest[2:] {
		units = append(units, order.Uint16(rest))
	}
	return []byte(string(utf16.Decode(units)))
}

func parsePEM(text []byte) (certs []*x509.Certificate, skipped []error) {
	begun, whole := bytes.Count(text, []byte("-----BEGIN ")), 0
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		whole++
		found, err := parseBlock(block)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("block %d: %w", whole, err))
		}
		certs = append(certs, found...)
	}
	if whole < begun {
		skipped = append(skipped, fmt.Errorf("%d of %d blocks are damaged or cut off", begun-whole, begun))
	}
	return certs, skipped
}

func parseBlock(block *pem.Block) ([]*x509.Certificate, error) {
	switch block.Type {
	case "CERTIFICATE", "X509 CERTIFICATE":
		return one(block.Bytes)
	case "TRUSTED CERTIFICATE": // OpenSSL's: what it is trusted for follows
		var first asn1.RawValue
		if _, err := asn1.Unmarshal(block.Bytes, &first); err != nil {
			return nil, errors.New("damaged certificate")
		}
		return one(first.FullBytes)
	case "PKCS7", "CMS":
		return parsePKCS7(block.Bytes)
	}
	return nil, fmt.Errorf("%.40q is not a certificate", plain.Name(block.Type))
}

func one(der []byte) ([]*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("unreadable certificate: %s", plain.Line(err.Error()))
	}
	return []*x509.Certificate{c}, nil
}

func parseDER(data []byte) ([]*x509.Certificate, error) {
	certs, err := x509.ParseCertificates(data)
	if err == nil {
		return certs, nil
	}
	if certs, err7 := parsePKCS7(data); err7 == nil {
		return certs, nil
	}
	switch {
	case isPKCS12(data):
		return nil, errors.New("it is a PKCS#12 file (.p12, .pfx), which is for keys\n" +
			"hint: openssl pkcs12 -in FILE -nokeys -cacerts -out ca.pem")
	case isKeystore(data):
		return nil, errors.New("it is a Java keystore\nhint: keytool -exportcert -rfc -keystore FILE -alias ALIAS -file ca.pem")
	case len(data) > 0 && data[0] == 0x30: // it begins as DER does
		return nil, fmt.Errorf("%w that can be read: %s", ErrNoCertificate, plain.Line(err.Error()))
	}
	return nil, ErrNoCertificate
}
