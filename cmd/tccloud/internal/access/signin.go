package access

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/access/limit"
	"tcenvsvr/cmd/tccloud/internal/access/password"
)

// How often may be tried, at one gateway: at first, and from then on.
const (
	userBurst, userEvery       = 10, 30 * time.Second
	addressBurst, addressEvery = 20, 10 * time.Second
)

// ErrSignIn means that nobody was signed in. It says the same of a name that is unknown.
var ErrSignIn = errors.New("the name or the password is wrong")

// Wait means that a try was not even looked at.
type Wait struct{ For time.Duration }

func (w *Wait) Error() string {
	return fmt.Sprintf("too many tries to sign in: wait %s", max(time.Second, w.For.Round(time.Second)))
}

// SignIn verifies a name and a password. from is the address of who tries, with or without a port.
func (u *Users) SignIn(ctx context.Context, from, name, secret string) (Principal, error) {
	name = lower(name)
	a, err := u.signIn(ctx, from, name, secret)
	u.note(ctx, signIn, name, ByPassword, from, err)
	if err != nil {
		return Principal{}, err
	}
	u.signedIn(ctx, name)
	return a.principal(ByPassword), nil
}

func (u *Users) signIn(ctx context.Context, from, name, secret string) (*account, error) {
	if err := u.admit(u.perAddress, address(from)); err != nil {
		return nil, err
	}
	if len(name) <= 64 { // others are no names, and not worth a place in memory
		if err := u.admit(u.perUser, name); err != nil {
			return nil, err
		}
	}
	u.mu.RLock()
	a, ok := u.users[name]
	u.mu.RUnlock()
	hash := a.Hash
	if !ok || a.Disabled {
		hash = ""
	}
	good, err := u.hasher.Verify(ctx, hash, secret)
	if errors.Is(err, password.ErrBusy) {
		return nil, &Wait{time.Second}
	}
	if err != nil {
		u.log.Warn("password not checked", "user", name, "err", err)
	}
	if err != nil || !good {
		return nil, ErrSignIn
	}
	if _, err := u.Current(a.principal(ByPassword)); err != nil { // it was changed meanwhile
		return nil, ErrSignIn
	}
	u.perAddress.Undo(address(from))
	u.perUser.Undo(name)
	return &a, nil
}

// NewPassword changes the password of who is signed in and knows the old one. What was signed in
// before is signed out; the new principal is not.
func (u *Users) NewPassword(ctx context.Context, from string, p Principal, old, new string) (Principal, error) {
	if err := password.Check(new); err != nil {
		return Principal{}, err
	}
	if _, err := u.signIn(ctx, from, p.Name, old); err != nil {
		u.note(ctx, changePassword, p.Name, ByPassword, from, err)
		return Principal{}, err
	}
	if _, err := u.Change(ctx, p.Name, Change{Password: &new}); err != nil {
		return Principal{}, err
	}
	u.note(ctx, changePassword, p.Name, ByPassword, from, nil)
	u.mu.RLock()
	defer u.mu.RUnlock()
	a := u.users[p.Name]
	return a.principal(p.How), nil
}

// signedIn notes when a user signed in last. It is no reason to refuse that it cannot be stored.
func (u *Users) signedIn(ctx context.Context, name string) {
	if err := u.editUser(ctx, name, func(_ *directory, a *account) error {
		a.SignedIn = now()
		return nil
	}); err != nil {
		u.log.Warn("time of a sign-in not stored", "user", name, "err", err)
	}
}

// admit counts a try.
func (u *Users) admit(l *limit.Limit, key string) error {
	if wait, ok := l.Try(key); !ok {
		return &Wait{wait}
	}
	return nil
}

// What is in the audit log beside requests to the API.
const (
	signIn         = "sign in"
	changePassword = "change password"
)

// note writes one of them to the audit log. Of names that are not known only that: people type their
// password into the wrong field.
func (u *Users) note(ctx context.Context, action, name string, how How, from string, err error) {
	if _, known := u.User(name); known != nil {
		name = ""
	}
	u.noteAs(ctx, action, name, how, from, err)
}

// noteAs writes a name that was not typed by who tries.
func (u *Users) noteAs(ctx context.Context, action, name string, how How, from string, err error) {
	e := audit.Entry{Time: time.Now().UTC(), Who: name, How: string(how), From: host(from), Action: action, Outcome: audit.OK}
	if err == nil {
		u.audit.Record(ctx, e)
		return
	}
	e.Outcome = "refused"
	if _, wait := errors.AsType[*Wait](err); wait {
		e.Outcome = "limited"
	}
	u.audit.Refused(e)
}

// host is an address without its port.
func host(from string) string {
	if h, _, err := net.SplitHostPort(from); err == nil {
		return h
	}
	return from
}

// address is what tries are counted for: an IPv4 address, or the network of an IPv6 address, of which
// everybody has as many as they like.
func address(from string) string {
	ip, err := netip.ParseAddr(host(from))
	if err != nil {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// lower makes letters of ASCII lower case, and no others: the Kelvin sign is no k.
func lower(name string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, name)
}
