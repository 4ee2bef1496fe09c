package access

import (
	"context"
	"errors"
)

// ErrSignedOut means that what a principal was verified by is not good any more.
var ErrSignedOut = errors.New("signed out: the user or the token was removed or changed, or has expired")

// Current returns a principal that was verified before as it is now, or ErrSignedOut.
func (u *Users) Current(p Principal) (Principal, error) {
	if p.How == ByAdminToken || p.How == ByCloud {
		return p, nil
	}
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.current(p)
}

// current is Current; u.mu is held.
func (u *Users) current(p Principal) (Principal, error) {
	switch p.How {
	case ByAdminToken, ByCloud:
		return p, nil
	case ByToken:
		if t, ok := u.tokens[p.Stamp]; ok && t.good() {
			return t.principal(), nil
		}
	default:
		if a, ok := u.users[p.Name]; ok && !a.Disabled && a.Stamp == p.Stamp {
			return a.principal(p.How), nil
		}
	}
	return Principal{}, ErrSignedOut
}

func (a *account) principal(how How) Principal {
	return Principal{Name: a.Name, Role: a.Role, How: how, Stamp: a.Stamp}
}

// hold is something that goes on for long and ends with what it was allowed by.
type hold struct {
	principal Principal
	end       context.CancelCauseFunc
}

// Hold returns a context that ends when the principal is signed out, for what goes on for long: logs
// that are followed, pages that are live. Its caller calls stop.
func (u *Users) Hold(ctx context.Context, p Principal) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	h := &hold{p, cancel}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.held[h] = struct{}{}
	if _, err := u.current(p); err != nil {
		cancel(err)
	}
	timer := u.expire(h)
	return ctx, func() {
		timer.Stop()
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.held, h)
		cancel(nil)
	}
}

// release ends what is held by principals that are signed out; u.mu is held.
func (u *Users) release() {
	for h := range u.held {
		if _, err := u.current(h.principal); err != nil {
			h.end(err)
		}
	}
}
