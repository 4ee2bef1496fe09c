package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Token is an API token, without its secret.
type Token struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role Role   `json:"role"`
	// Environments are the only ones that exist for it; none are all.
	Environments []string  `json:"environments,omitempty"`
	By           string    `json:"by"` // who made it
	Created      time.Time `json:"created"`
	Expires      time.Time `json:"expires"`
	Used         string    `json:"used,omitempty"` // the last day, by UTC
}

// token is a Token as stored.
type token struct {
	Token
	Digest digest `json:"digest"`
}

// digest is the SHA-256 of a secret.
type digest [sha256.Size]byte

func (d digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

func (d *digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return errors.New("a digest has another length")
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// Bounds of tokens.
const (
	// TokenPrefix begins every secret, so that it is recognized where it does not belong.
	TokenPrefix = "tct_"
	// TokenLife is how long a token is good if nothing else is asked for, MaxTokenLife at most.
	TokenLife    = 90 * 24 * time.Hour
	MaxTokenLife = 5 * 366 * 24 * time.Hour

	tokenPrefix      = "tok."
	mostTokens       = 10_000
	mostEnvironments = 100
	// keepExpired is how long one that has expired is still listed.
	keepExpired = 30 * 24 * time.Hour
	// useEvery is how often it is stored which tokens were used: on a new day, once each.
	useEvery = 10 * time.Second
)

// NewToken asks for a token. Its caller has checked that the Environments are there.
type NewToken struct {
	Name         string
	Role         Role
	Environments []string
	Life         time.Duration // 0 = TokenLife
	By           string
}

func (t *NewToken) check() error {
	if err := errors.Join(checkName(t.Name), t.Role.Check()); err != nil {
		return err
	}
	if t.Life < time.Minute || t.Life > MaxTokenLife {
		return invalid("a token is good for a minute to %d days, not %s", MaxTokenLife/(24*time.Hour), t.Life)
	}
	if len(t.Environments) > mostEnvironments || slices.Contains(t.Environments, "") {
		return invalid("a token is limited to 1–%d Environments with a name", mostEnvironments)
	}
	return nil
}

// NewToken makes a token and its secret, which is not known again.
func (u *Users) NewToken(ctx context.Context, t NewToken) (Token, string, error) {
	t.Life = cmp.Or(t.Life, TokenLife)
	if err := t.check(); err != nil {
		return Token{}, "", err
	}
	if len(u.Tokens()) >= mostTokens {
		return Token{}, "", invalid("there are %d tokens, and no more than that", mostTokens)
	}
	secret := TokenPrefix + newSecret()
	made := token{Token: Token{
		ID: strings.ToLower(rand.Text()[:16]), Name: t.Name, Role: t.Role, By: t.By, Created: now(), Expires: now().Add(t.Life),
	}, Digest: sha256.Sum256([]byte(secret))}
	if len(t.Environments) > 0 {
		made.Environments = slices.Compact(slices.Sorted(slices.Values(t.Environments)))
	}
	revision, data, err := bucket.Write(ctx, u.kv, tokenPrefix+made.ID, made, 0)
	if err != nil {
		return Token{}, "", fmt.Errorf("storing the token: %w", err)
	}
	u.apply(tokenPrefix+made.ID, data, revision, false)
	return made.Token, secret, nil
}

// newSecret returns 256 random bits, in characters that need no quoting.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Bearer verifies an API token's secret.
func (u *Users) Bearer(secret string) (Principal, error) {
	if !strings.HasPrefix(secret, TokenPrefix) {
		return Principal{}, ErrSignedOut
	}
	sum := digest(sha256.Sum256([]byte(secret)))
	u.mu.RLock()
	t, ok := u.tokens[u.secrets[sum]]
	u.mu.RUnlock()
	if !ok || !t.good() {
		return Principal{}, ErrSignedOut
	}
	if today := time.Now().UTC().Format(time.DateOnly); t.Used != today {
		u.mu.Lock()
		u.used[t.ID] = time.Now()
		u.mu.Unlock()
	}
	return t.principal(), nil
}

// good reports whether the token has not expired. One that was made while the clock was ahead would
// live too long.
func (t *entry) good() bool {
	now := time.Now()
	return t.gone.IsZero() && now.Before(t.Expires) && clock.True(t.Created, now.Add(clock.Tolerated))
}

func (t *entry) principal() Principal {
	return Principal{Name: "token:" + t.Name, Role: t.Role, Environments: t.Environments, How: ByToken, Stamp: t.ID}
}

// expire ends what is held when its token expires.
func (u *Users) expire(h *hold) *time.Timer {
	left := time.Duration(1<<63 - 1)
	if t, ok := u.tokens[h.principal.Stamp]; ok && h.principal.How == ByToken {
		left = time.Until(t.Expires)
	}
	return time.AfterFunc(left, func() { h.end(ErrSignedOut) })
}

// Revoke removes a token.
func (u *Users) Revoke(ctx context.Context, id string) (Token, error) {
	for {
		t, revision, err := bucket.Read[token](ctx, u.kv, tokenPrefix+id)
		if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
			return Token{}, fmt.Errorf("token %.40q: %w", id, ErrNotFound)
		}
		if err == nil {
			err = u.kv.Delete(ctx, tokenPrefix+id, jetstream.LastRevision(revision))
		}
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return Token{}, fmt.Errorf("removing token %q: %w", id, err)
		}
		u.apply(tokenPrefix+id, nil, revision+1, true) // its own is that or a later one
		return t.Token, nil
	}
}

// Tokens are all, the newest first.
func (u *Users) Tokens() []Token {
	u.mu.RLock()
	defer u.mu.RUnlock()
	list := []Token{}
	for _, t := range u.tokens {
		if t.gone.IsZero() {
			list = append(list, t.Token)
		}
	}
	slices.SortFunc(list, func(a, b Token) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// storeUse stores on which day tokens were used. One that cannot be stored now is the next time.
func (u *Users) storeUse(ctx context.Context) {
	u.mu.Lock()
	used := u.used
	u.used = map[string]time.Time{}
	maps.DeleteFunc(u.tokens, func(_ string, t entry) bool { return !t.gone.IsZero() && time.Since(t.gone) > rememberGone })
	u.mu.Unlock()
	for id, at := range used {
		day := at.UTC().Format(time.DateOnly)
		t, revision, err := bucket.Read[token](ctx, u.kv, tokenPrefix+id)
		if err != nil || t.Used >= day { // removed, or another gateway was faster
			continue
		}
		t.Used = day
		if revision, data, err := bucket.Write(ctx, u.kv, tokenPrefix+id, t, revision); err == nil {
			u.apply(tokenPrefix+id, data, revision, false)
		}
	}
}
