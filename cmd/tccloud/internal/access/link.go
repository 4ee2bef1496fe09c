package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// LinkPath is where the console redeems one-time links; the secret follows it.
const LinkPath = "/console/link/"

const (
	// LinkLife is how long a one-time link is good.
	LinkLife = 15 * time.Minute
	// FirstLinkLife is how long that of the first start is.
	FirstLinkLife = 24 * time.Hour

	linkPrefix = "lnk."
)

// ErrLink means that a one-time link is used up, has expired or was never made.
var ErrLink = errors.New("this link was used already, has expired, or is not one of this cloud")

// Link is a one-time link as stored.
type Link struct {
	// User is whom it signs in. "": it makes the first administrator, while there is no user at all.
	User    string    `json:"user,omitempty"`
	Stamp   string    `json:"stamp,omitempty"` // the user's: a link ends with what it was made for
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
}

// NewLink makes a link for a user, "" for the first administrator. Its secret is not known again.
func (u *Users) NewLink(ctx context.Context, user string) (secret string, l Link, err error) {
	l = Link{User: user, Made: now(), Expires: now().Add(FirstLinkLife)}
	if user != "" {
		u.mu.RLock()
		a, ok := u.users[user]
		u.mu.RUnlock()
		if !ok {
			return "", l, unknown(user)
		}
		if a.Disabled {
			return "", l, invalid("user %q is disabled", user)
		}
		if a.Groups {
			return "", l, onlySingleSignOn(user)
		}
		l.Stamp, l.Expires = a.Stamp, now().Add(LinkLife)
	}
	secret = newSecret()
	if _, _, err := bucket.Write(ctx, u.kv, linkKey(secret), l, 0); err != nil {
		return "", l, fmt.Errorf("storing the link: %w", err)
	}
	return secret, l, nil
}

// linkKey has only the digest of the secret, so that a reader of the store cannot sign in.
func linkKey(secret string) string {
	d := sha256.Sum256([]byte(secret))
	return linkPrefix + hex.EncodeToString(d[:])
}

// Link returns whom a secret signs in, and does not use it up; or ErrLink.
func (u *Users) Link(ctx context.Context, secret string) (Link, error) {
	l, _, err := u.readLink(ctx, secret)
	return l, err
}

func (u *Users) readLink(ctx context.Context, secret string) (l Link, revision uint64, err error) {
	p, revision, err := bucket.Read[Link](ctx, u.kv, linkKey(secret))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return l, 0, ErrLink
	}
	if err != nil {
		return l, 0, fmt.Errorf("reading the link: %w", err)
	}
	// One that was made while the clock was ahead would live too long.
	if now := time.Now(); now.After(p.Expires) || !clock.True(p.Made, now.Add(clock.Tolerated)) {
		return l, 0, ErrLink
	}
	u.mu.RLock()
	defer u.mu.RUnlock()
	if a, ok := u.users[p.User]; p.User != "" && (!ok || a.Disabled || a.Stamp != p.Stamp) || p.User == "" && len(u.users) > 0 {
		return l, 0, ErrLink
	}
	return *p, revision, nil
}

// Redemption is what comes with a link.
type Redemption struct {
	Secret   string
	Name     string // of the first administrator; "" for other links
	Password string // the new one; "" keeps the one before, if there is one
}

// Redeem signs in by a link and uses it up. Of two that try, at any gateways, one succeeds. A name or
// a password that is not accepted leaves it as it is.
func (u *Users) Redeem(ctx context.Context, from string, r Redemption) (Principal, error) {
	p, err := u.redeem(ctx, from, r)
	u.note(ctx, signIn, p.Name, ByLink, from, err)
	return p, err
}

func (u *Users) redeem(ctx context.Context, from string, r Redemption) (Principal, error) {
	if err := u.admit(u.perAddress, address(from)); err != nil {
		return Principal{}, err
	}
	l, revision, err := u.readLink(ctx, r.Secret)
	if err != nil {
		return Principal{}, err
	}
	first := l.User == ""
	if first {
		err = checkName(r.Name)
		if err == nil && r.Password == "" {
			err = CheckPassword(r.Password)
		}
	}
	hash := ""
	if err == nil && r.Password != "" {
		hash, err = u.hasher.Hash(ctx, r.Password)
	}
	if err != nil {
		return Principal{}, err
	}
	err = u.kv.Delete(ctx, linkKey(r.Secret), jetstream.LastRevision(revision))
	if bucket.Overtaken(err) { // another one was faster
		return Principal{}, ErrLink
	}
	if err != nil {
		return Principal{}, fmt.Errorf("using up the link: %w", err)
	}
	var in account
	if first {
		in = account{User: User{Name: r.Name, Role: Administrator, Password: true, Created: now(), SignedIn: now()}, Hash: hash, Stamp: rand.Text()}
		err = u.edit(ctx, func(d *directory) error {
			if len(d.Users) > 0 {
				return ErrLink
			}
			return d.add(in)
		})
	} else {
		err = u.editUser(ctx, l.User, func(_ *directory, a *account) error {
			if a.Disabled || a.Stamp != l.Stamp {
				return ErrLink
			}
			a.SignedIn = now()
			if hash != "" {
				a.Hash, a.Password, a.Stamp = hash, true, rand.Text()
			}
			in = *a
			return nil
		})
		if errors.Is(err, ErrNotFound) {
			err = ErrLink
		}
	}
	if err != nil {
		return Principal{}, err
	}
	u.perAddress.Undo(address(from))
	return in.principal(ByLink), nil
}

// Sweep removes links that have expired, and tokens a month after that.
func (u *Users) Sweep(ctx context.Context) error {
	keys, err := u.kv.ListKeysFiltered(ctx, linkPrefix+"*", tokenPrefix+"*")
	if err != nil {
		return fmt.Errorf("sweeping links and tokens: %w", err)
	}
	for key := range keys.Keys() {
		e, err := u.kv.Get(ctx, key)
		if err != nil {
			continue // gone meanwhile
		}
		var r struct {
			Expires time.Time `json:"expires"`
			ID      string    `json:"id"`
		}
		if json.Unmarshal(e.Value(), &r) != nil {
			continue
		}
		if r.ID != "" {
			r.Expires = r.Expires.Add(keepExpired)
		}
		if time.Now().Before(r.Expires) {
			continue
		}
		if err := u.kv.Delete(ctx, key, jetstream.LastRevision(e.Revision())); err != nil && !bucket.Overtaken(err) {
			return fmt.Errorf("removing what has expired: %w", err)
		}
	}
	return nil
}
