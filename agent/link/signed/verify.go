package signed

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Why a signed order is not accepted.
var (
	ErrUnsigned    = errors.New("the order is not signed")
	ErrUnknownKey  = errors.New("the order is signed with a key that is not trusted here")
	ErrKeyTime     = errors.New("the key is not valid at this time")
	ErrSignature   = errors.New("the order's signature is not good")
	ErrEnvironment = errors.New("the order is signed for another Environment")
	ErrEarly       = errors.New("the order's signature is not valid yet")
	ErrExpired     = errors.New("the order's signature has expired")
	ErrParams      = errors.New("the order's parameters are not those that were signed")
)

// skew is how far the operator's clock may be ahead of this host's.
const skew = 5 * time.Minute

// Key is one whose orders are accepted. Rotation: add the new key, sign with it, and set the old
// one's NotAfter so that what waits in the queue can still start.
type Key struct {
	Name   string // of the signer, for people
	ID     KeyID
	Public ed25519.PublicKey
	// NotBefore and NotAfter bound when the key signs and when its orders start: a key that is
	// over cannot be used by dating an order back. Zero is no bound.
	NotBefore, NotAfter time.Time
}

func (k *Key) valid(t time.Time) bool {
	return (k.NotBefore.IsZero() || !t.Before(k.NotBefore)) && (k.NotAfter.IsZero() || !t.After(k.NotAfter))
}

// Verified is an order whose signature is good. Only Verify makes one; [Replays.Start] takes it
// when the App is to be started.
type Verified struct {
	signer    string
	order     wire.Ref
	retryable bool
	s         Signature
}

// Signer is the name of the key that the order was signed with.
func (v *Verified) Signer() string { return v.signer }

// KeyID is which key that was.
func (v *Verified) KeyID() KeyID { return v.s.KeyID }

// NotAfter is when the App can be started at the latest.
func (v *Verified) NotAfter() time.Time { return time.UnixMilli(v.s.NotAfter) }

// Verify checks that a trusted operator signed the order for this Environment, whose name must not
// be the cloud's word. The parameters of an order with ParamsByHTTPS are not here yet: they, and
// the time again, are checked by [Replays.Start], which no signed order may get around.
func Verify(o *wire.Order, s *Signature, environment string, keys []Key, now time.Time) (*Verified, error) {
	if s == nil {
		return nil, ErrUnsigned
	}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSignature, err)
	}
	if err := sane(o); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSignature, err)
	}
	if o.ParamsByHTTPS && len(o.Params) > 0 {
		return nil, fmt.Errorf("%w: they come twice, with the order and by HTTPS", ErrParams)
	}
	key, err := signer(o, s, keys)
	if err != nil {
		return nil, err
	}
	// From here on what the signature says is the signer's word.
	made := time.UnixMilli(s.MadeAt)
	switch {
	case !key.valid(made):
		return nil, fmt.Errorf("%w: %q signed with key %s at %s", ErrKeyTime, key.Name, key.ID, stamp(made))
	case !key.valid(now):
		return nil, fmt.Errorf("%w: key %s of %q, and this host's clock says %s", ErrKeyTime, key.ID, key.Name, stamp(now))
	case s.Environment != environment:
		return nil, fmt.Errorf("%w: for %q, and this server is of %q", ErrEnvironment, s.Environment, environment)
	case made.After(now.Add(skew)):
		return nil, fmt.Errorf("%w: made at %s, and this host's clock says %s; compare the clocks", ErrEarly, stamp(made), stamp(now))
	}
	v := &Verified{signer: key.Name, order: o.Ref, retryable: o.Retryable, s: *s}
	if err := v.timely(now); err != nil {
		return nil, err
	}
	if !o.ParamsByHTTPS {
		if err := v.sameParams(o.Params); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// signer finds the key that made the signature. Ids are short: two keys may have the same.
func signer(o *wire.Order, s *Signature, keys []Key) (*Key, error) {
	signed, known := canonical(o, s), false
	for i := range keys {
		k := &keys[i]
		if k.ID != s.KeyID || len(k.Public) != ed25519.PublicKeySize {
			continue
		}
		known = true
		if ed25519.Verify(k.Public, signed, s.Bytes[:]) {
			return k, nil
		}
	}
	if !known {
		return nil, fmt.Errorf("%w: key %s; add it to the policy, or sign with another", ErrUnknownKey, s.KeyID)
	}
	return nil, fmt.Errorf("%w: key %s did not sign this; the order was changed on its way", ErrSignature, s.KeyID)
}

func (v *Verified) timely(now time.Time) error {
	if now.After(v.NotAfter()) {
		return fmt.Errorf("%w: not after %s, and this host's clock says %s; sign it again", ErrExpired, stamp(v.NotAfter()), stamp(now))
	}
	return nil
}

func (v *Verified) sameParams(params map[string]string) error {
	if d := digest(params); d != v.s.Params {
		return fmt.Errorf("%w: digest %x, want %x", ErrParams, short(d), short(v.s.Params))
	}
	return nil
}

func short(d [sha256.Size]byte) []byte { return d[:4] }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
