package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// StatementLife is how long a statement is believed; a server makes a new one each day.
	StatementLife = 30 * 24 * time.Hour
	// Overlap is how long a replaced key opens values: a statement's life and the longest
	// of a signed order, and a day.
	Overlap = StatementLife + 31*24*time.Hour + 24*time.Hour

	maxKeys    = 16
	ringPrefix = "tcsealkeys:v1:"
	keySize    = seedSize + 8 + 8
)

// Ring is a server's sealing keys: the current one, and those that it replaced. A Ring does not
// change; Rotate gives another one. It prints as [redacted].
type Ring struct{ keys []*ringKey } // newest first; pointers, which fmt does not follow in another struct's hidden field

type ringKey struct {
	privateKey
	created  int64 // Unix milliseconds
	replaced int64 // Unix milliseconds; 0 of the current one
}

// NewRing makes a ring with one new key.
func NewRing(now time.Time) (Ring, error) { return Ring{}.Rotate(now) }

// Rotate gives a ring with a new key in front, without those whose overlap is over. Store it before
// a statement with the new key leaves the host.
func (r Ring) Rotate(now time.Time) (Ring, error) {
	key, err := generate()
	if err != nil {
		return Ring{}, err
	}
	next := Ring{[]*ringKey{{privateKey: key, created: now.UnixMilli()}}}
	for _, k := range r.keys {
		old := *k
		if old.replaced == 0 {
			old.replaced = max(1, now.UnixMilli())
		}
		if now.UnixMilli()-old.replaced <= Overlap.Milliseconds() {
			next.keys = append(next.keys, &old)
		}
	}
	if len(next.keys) > maxKeys {
		return Ring{}, fmt.Errorf("replacing the sealing key: %d older ones may still be in use; wait, or drop them", len(next.keys)-1)
	}
	return next, nil
}

// Newest is the ring without the keys that were replaced: for the case that one became known.
func (r Ring) Newest() Ring { return Ring{r.keys[:min(1, len(r.keys))]} }

// Current is the key to seal to. It panics on a ring without keys.
func (r Ring) Current() PublicKey { return r.keys[0].public }

// Created is when the current key was made.
func (r Ring) Created() time.Time { return time.UnixMilli(r.keys[0].created) }

// IDs are the keys that values can be opened with, the current one first.
func (r Ring) IDs() []KeyID {
	var ids []KeyID
	for _, k := range r.keys {
		ids = append(ids, k.public.ID())
	}
	return ids
}

// Encode is the ring as a text, with the private keys: it belongs into the keychain.
func (r Ring) Encode() []byte {
	var b []byte
	for _, k := range r.keys {
		b = append(b, k.seed...)
		b = binary.BigEndian.AppendUint64(b, uint64(k.created))
		b = binary.BigEndian.AppendUint64(b, uint64(k.replaced))
	}
	return base64.RawURLEncoding.AppendEncode([]byte(ringPrefix), b)
}

var errRing = errors.New("reading the sealing keys: they are damaged, or of another version")

// ParseRing reads what Encode wrote. Its errors quote nothing of it.
func ParseRing(text []byte) (Ring, error) {
	body, ok := strings.CutPrefix(string(text), ringPrefix)
	if !ok || len(body) > base64.RawURLEncoding.EncodedLen(maxKeys*keySize) {
		return Ring{}, errRing
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) == 0 || len(b)%keySize != 0 {
		return Ring{}, errRing
	}
	var r Ring
	for ; len(b) > 0; b = b[keySize:] {
		key, err := parsePrivateKey(b[:seedSize])
		if err != nil {
			return Ring{}, errRing
		}
		k := &ringKey{key, int64(binary.BigEndian.Uint64(b[seedSize:])), int64(binary.BigEndian.Uint64(b[seedSize+8:]))}
		if first := len(r.keys) == 0; first != (k.replaced == 0) { // the first one, and no other, is current
			return Ring{}, errRing
		}
		r.keys = append(r.keys, k)
	}
	if !bytes.Equal(r.Encode(), text) {
		return Ring{}, errRing
	}
	return r, nil
}
