package apptoken

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/link/wire"
)

// Errors of Check. ErrExpired still comes with the token's claims.
var (
	ErrInvalid = errors.New("the App's token is not valid")
	ErrExpired = errors.New("the App's token has expired")
)

const keySize = 32

// Signer is safe for concurrent use.
type Signer struct{ key []byte }

// Open reads the key from path, and makes it if there is none. Gateways of one cloud share
// it, see package identity.
func Open(path string) (*Signer, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, keySize)
		_, _ = rand.Read(key) // never fails, see crypto/rand
		data = append(key, sum(key)...)
		err = atomicfile.WriteFile(path, data, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the key of App tokens: %w", err)
	}
	if len(data) != keySize+sumSize || !bytes.Equal(data[keySize:], sum(data[:keySize])) {
		return nil, fmt.Errorf("opening the key of App tokens: %q is damaged", path)
	}
	return &Signer{data[:keySize]}, nil
}

// sumSize is how many bytes of the key's digest follow it in the file, so that a damaged key, e.g.
// one of zeros, is noticed.
const sumSize = 8

func sum(key []byte) []byte {
	s := sha256.Sum256(key)
	return s[:sumSize]
}

// Issue returns a token for one attempt at an order, valid for ttl.
func (s *Signer) Issue(order wire.OrderID, attempt wire.Attempt, ttl time.Duration) string {
	claims := fmt.Sprintf("APP:%d:%d:%s", time.Now().Add(ttl).Unix(), attempt, order)
	return claims + ":" + s.mac(claims)
}

// Claims are what a token stands for.
type Claims struct {
	wire.Ref
	Expires time.Time
}

// Check returns the claims of a token. They are valid with ErrExpired too, not with ErrInvalid.
func (s *Signer) Check(token string) (Claims, error) {
	i := strings.LastIndexByte(token, ':')
	if i < 0 || len(token) > 512 {
		return Claims{}, ErrInvalid
	}
	claims := token[:i]
	if !hmac.Equal([]byte(token[i+1:]), []byte(s.mac(claims))) {
		return Claims{}, ErrInvalid
	}
	part := strings.Split(claims, ":") // signed here: the form is known
	if len(part) != 4 || part[0] != "APP" {
		return Claims{}, ErrInvalid
	}
	expires, err1 := strconv.ParseInt(part[1], 10, 64)
	attempt, err2 := strconv.Atoi(part[2])
	if err1 != nil || err2 != nil {
		return Claims{}, ErrInvalid
	}
	c := Claims{wire.Ref{Order: wire.OrderID(part[3]), Attempt: wire.Attempt(attempt)}, time.Unix(expires, 0)}
	if !time.Now().Before(c.Expires) {
		return c, ErrExpired
	}
	return c, nil
}

func (s *Signer) mac(claims string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(claims))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
