package registry

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/host/clock"
)

const linkPrefix = "lnk."

// ErrLink means that an enrollment link is used up, expired or was never made.
var ErrLink = errors.New("this link was used already, has expired, or is not one of this cloud")

// link is good for one bundle. The identity is made when it is redeemed: until then there is no
// secret that could be found.
type link struct {
	Request Request         `json:"request"`
	Bundle  json.RawMessage `json:"bundle"` // the description of the bundle, which the caller understands
	Made    time.Time       `json:"made"`
	Expires time.Time       `json:"expires"`
}

// NewLink returns a token that redeems one bundle for q. UseLink returns bundle, the description of
// what is in it.
func (r *Registry) NewLink(ctx context.Context, q Request, bundle any, valid time.Duration) (token string, expires time.Time, err error) {
	if _, err := r.Environment(q.Environment); err != nil {
		return "", time.Time{}, err
	}
	if err := r.checkName(q); err != nil {
		return "", time.Time{}, err
	}
	if q.Server != "" {
		if _, err := r.Server(q.Server); err != nil {
			return "", time.Time{}, err
		}
	}
	described, err := json.Marshal(bundle)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("storing the link: %w", err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	token, expires = newToken(), now.Add(valid)
	if err := r.create(ctx, linkKey(token), link{Request: q, Bundle: described, Made: now, Expires: expires}); err != nil {
		return "", time.Time{}, fmt.Errorf("storing the link: %w", err)
	}
	return token, expires, nil
}

// UseLink redeems a token. Of two that try, at any gateways, one succeeds. It decodes into bundle
// the description that NewLink got.
func (r *Registry) UseLink(ctx context.Context, token string, bundle any) (q Request, err error) {
	e, err := r.kv.Get(ctx, linkKey(token))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return q, ErrLink
	}
	if err != nil {
		return q, fmt.Errorf("reading the link: %w", err)
	}
	var l link
	if err := json.Unmarshal(e.Value(), &l); err != nil {
		return q, fmt.Errorf("reading the link: %w", err)
	}
	if err := json.Unmarshal(l.Bundle, bundle); err != nil {
		return q, fmt.Errorf("reading the link: %w", err)
	}
	// A link that was made while the clock was ahead would live too long. A link that has expired
	// is not removed here: perhaps the clock is ahead now.
	if now := time.Now(); now.After(l.Expires) || !clock.True(l.Made, now) {
		return q, ErrLink
	}
	err = r.kv.Delete(ctx, linkKey(token), jetstream.LastRevision(e.Revision()))
	switch {
	case errors.Is(err, jetstream.ErrKeyExists): // another writer was faster
		return q, ErrLink
	case err != nil:
		return q, fmt.Errorf("using up the link: %w", err)
	}
	return l.Request, nil
}

// linkKey has only the digest of the token, so that a reader of the store cannot enroll.
func linkKey(token string) string {
	d := digestOf(token)
	return linkPrefix + hex.EncodeToString(d[:])
}
