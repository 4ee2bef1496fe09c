package keystore

import (
	"bytes"
	"crypto/fips140"
	"crypto/sha1" // the format's checksum
	"crypto/x509"
	"encoding/binary"
	"errors"
	"unicode/utf16"

	"tcenvsvr/certs/cert"
)

// The format, big-endian:
//
//	magic, version 2, count
//	count × (tag 2, alias, time in ms, type "X.509", certificate)
//	SHA-1 of (password in UTF-16, "Mighty Aphrodite", all before)
//
// Entries of tag 1 are private keys with their chain; they are passed over.
var magic = []byte{0xfe, 0xed, 0xfe, 0xed}

const (
	tagKey     = 1
	tagTrusted = 2
	sumSize    = sha1.Size
)

// JKS returns a trust store in JKS format, with the usual password for its checksum.
func JKS(certs []*x509.Certificate) []byte {
	b := bytes.Clone(magic)
	b = binary.BigEndian.AppendUint32(b, 2)
	b = binary.BigEndian.AppendUint32(b, uint32(len(certs)))
	for _, c := range certs {
		b = binary.BigEndian.AppendUint32(b, tagTrusted)
		b = appendText(b, cert.Fingerprint(c))
		// A time that is the same for the same certificate.
		b = binary.BigEndian.AppendUint64(b, uint64(max(0, c.NotBefore.UnixMilli())))
		b = appendText(b, "X.509")
		b = binary.BigEndian.AppendUint32(b, uint32(len(c.Raw)))
		b = append(b, c.Raw...)
	}
	return append(b, checksum(b)...)
}

func appendText(b []byte, text string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
	return append(b, text...)
}

func checksum(body []byte) (sum []byte) {
	fips140.WithoutEnforcement(func() {
		h := sha1.New()
		for _, unit := range utf16.Encode([]rune(Password)) {
			h.Write([]byte{byte(unit >> 8), byte(unit)})
		}
		h.Write([]byte("Mighty Aphrodite"))
		h.Write(body)
		sum = h.Sum(nil)
	})
	return sum
}

var errDamaged = errors.New("the JKS is damaged or cut off")

// decodeJKS returns the trusted certificates. It does not verify the checksum, as a JVM without a
// password does not: administrators change the password, and the checksum protects nothing.
func decodeJKS(data []byte) (certs []*x509.Certificate, skipped int, err error) {
	r := &reader{rest: data[len(magic):]}
	version, count := r.uint32(), r.uint32()
	if version != 1 && version != 2 {
		return nil, 0, errDamaged
	}
	for range count {
		tag := r.uint32()
		r.next(int(r.uint16())) // alias
		r.next(8)               // time
		switch tag {
		case tagTrusted:
			c, err := x509.ParseCertificate(r.certificate(version))
			if r.short {
				return nil, 0, errDamaged
			}
			if err != nil {
				skipped++
				continue
			}
			certs = append(certs, c)
		case tagKey:
			r.next(int(r.uint32()))
			for n := r.uint32(); n > 0 && !r.short; n-- {
				r.certificate(version)
			}
		default:
			return nil, 0, errDamaged
		}
		if r.short {
			return nil, 0, errDamaged
		}
	}
	if len(r.rest) != sumSize {
		return nil, 0, errDamaged
	}
	return certs, skipped, nil
}

// reader parses a file; short is set once the file ends too early.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) next(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.short, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uint16() uint16 {
	if b := r.next(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.next(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) certificate(version uint32) []byte {
	if version == 2 {
		r.next(int(r.uint16())) // type
	}
	return r.next(int(r.uint32()))
}
