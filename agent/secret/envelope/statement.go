package envelope

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
)

const (
	statementHeader = "tcenvsvr sealing key v1\n"
	statementPrefix = "tcsealkey:v1:"
	maxChain        = 4
	maxSignature    = 1 << 10
	maxStatement    = 3*maxName + publicSize + maxChain*(wire.MaxCertificate+4) + maxSignature
)

// Statement says that a server has a sealing key. It is public. Its key is only to be had of
// Verify.
type Statement struct {
	server      wire.ServerXID
	environment string
	made        int64 // Unix milliseconds
	key         PublicKey
	chain       [][]byte // DER, the server's own certificate first
	signature   []byte   // by that certificate's key
}

// State makes a statement about the current key of a ring, and signs it with the key of the
// server's client certificate. Make it anew each day, and when either of them has changed.
func State(r Ring, server wire.ServerXID, environment string, identity tls.Certificate, now time.Time) (*Statement, error) {
	s := &Statement{server: server, environment: environment, made: now.UnixMilli(), key: r.Current()}
	s.chain = identity.Certificate[:min(len(identity.Certificate), maxChain)]
	err := s.sign(identity.PrivateKey)
	if err == nil {
		err = s.validate()
	}
	if err == nil {
		_, err = s.check()
	}
	if err != nil {
		return nil, fmt.Errorf("stating the sealing key of server %.70q: %w", string(server), err)
	}
	return s, nil
}

func (s *Statement) sign(key crypto.PrivateKey) (err error) {
	signer, ok := key.(crypto.Signer)
	if !ok || len(s.chain) == 0 {
		return errors.New("the client certificate is missing, or its key cannot sign")
	}
	var how crypto.SignerOpts = crypto.SHA256
	switch signer.Public().(type) {
	case *rsa.PublicKey:
		how = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	case ed25519.PublicKey:
		how = crypto.Hash(0)
	}
	s.signature, err = crypto.SignMessage(signer, rand.Reader, s.signed(), how)
	return err
}

// signed are the bytes that the certificate's key signs.
func (s *Statement) signed() []byte {
	b := s.head([]byte(statementHeader))
	leaf := sha256.Sum256(s.chain[0])
	return append(b, leaf[:]...)
}

func (s *Statement) head(b []byte) []byte {
	b = appendText(appendText(b, string(s.server)), s.environment)
	return append(binary.BigEndian.AppendUint64(b, uint64(s.made)), s.key.raw...)
}

// check reports whether the signature is by the key of the statement's certificate.
func (s *Statement) check() (*x509.Certificate, error) {
	leaf, err := x509.ParseCertificate(s.chain[0])
	if err != nil {
		return nil, fmt.Errorf("reading the server's certificate: %w", err)
	}
	var how x509.SignatureAlgorithm
	switch leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		how = x509.ECDSAWithSHA256
	case *rsa.PublicKey:
		how = x509.SHA256WithRSAPSS
	case ed25519.PublicKey:
		how = x509.PureEd25519
	default:
		return nil, errors.New("the key of the server's certificate is not of ECDSA, RSA or Ed25519")
	}
	if err := leaf.CheckSignature(how, s.signed(), s.signature); err != nil {
		return nil, errors.New("the signature is not by the key of the server's certificate")
	}
	return leaf, nil
}

func (s *Statement) validate() error {
	switch {
	case !s.server.Valid():
		return fmt.Errorf("the server's xid %.70q is none", string(s.server))
	case s.made <= 0:
		return errors.New("it was made before 1970")
	case len(s.chain) == 0 || len(s.chain) > maxChain:
		return fmt.Errorf("%d certificates, want 1–%d", len(s.chain), maxChain)
	case len(s.signature) == 0 || len(s.signature) > maxSignature:
		return fmt.Errorf("a signature of %d bytes", len(s.signature))
	}
	for _, c := range s.chain {
		if len(c) == 0 || len(c) > wire.MaxCertificate {
			return fmt.Errorf("a certificate of %d bytes, want 1–%d", len(c), wire.MaxCertificate)
		}
	}
	return validName("Environment", s.environment)
}

// MarshalText implements encoding.TextMarshaler; in JSON a statement is one string.
func (s *Statement) MarshalText() ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("writing the statement of a sealing key: %w", err)
	}
	b := append(s.head(nil), byte(len(s.chain)))
	for _, c := range s.chain {
		b = appendText(b, c)
	}
	b = appendText(b, s.signature)
	return base64.RawURLEncoding.AppendEncode([]byte(statementPrefix), b), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. That a statement could be read says nothing
// about its truth.
func (s *Statement) UnmarshalText(text []byte) error {
	read, err := parseStatement(text)
	if err != nil {
		return fmt.Errorf("reading the statement of a sealing key: %w", err)
	}
	*s = *read
	return nil
}

var errCut = errors.New("it is cut off, or something follows it")

func parseStatement(text []byte) (*Statement, error) {
	body, ok := strings.CutPrefix(string(text), statementPrefix)
	if !ok {
		return nil, fmt.Errorf("it does not begin with %q", statementPrefix)
	}
	if len(body) > base64.RawURLEncoding.EncodedLen(maxStatement) {
		return nil, fmt.Errorf("it has %d bytes, at most %d are possible", len(text), len(statementPrefix)+base64.RawURLEncoding.EncodedLen(maxStatement))
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, err
	}
	var s Statement
	server, b, ok1 := cutText(b)
	environment, b, ok2 := cutText(b)
	if !ok1 || !ok2 || len(b) < 8+publicSize+1 {
		return nil, errCut
	}
	s.server, s.environment = wire.ServerXID(server), string(environment)
	s.made, b = int64(binary.BigEndian.Uint64(b)), b[8:]
	if s.key, err = parsePublicKey(b[:publicSize]); err != nil {
		return nil, err
	}
	n, b := int(b[publicSize]), b[publicSize+1:]
	for range min(n, maxChain+1) { // validate refuses more
		var c []byte
		if c, b, ok = cutText(b); !ok {
			return nil, errCut
		}
		s.chain = append(s.chain, c)
	}
	if s.signature, b, ok = cutText(b); !ok || len(b) > 0 {
		return nil, errCut
	}
	if again, err := s.MarshalText(); err != nil {
		return nil, errors.Unwrap(err)
	} else if !bytes.Equal(again, text) {
		return nil, errors.New("it is not as it would be written")
	}
	return &s, nil
}
