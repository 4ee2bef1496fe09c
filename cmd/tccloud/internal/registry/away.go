package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Absences notes since when servers are away. What is stored changes only when one has been missed for
// long, or is back: nothing is written while sessions come and go.
type Absences struct {
	r      *Registry
	missed map[wire.ServerXID]time.Time // since when, each time it was looked
	looked time.Time
}

const (
	// missedFor is how long a server is missed before that is noted: a cloud that was started has none
	// at first.
	missedFor = 50 * time.Minute
	// lookAgain is how long what was missed counts: after that, who knows.
	lookAgain = 3 * time.Hour
)

// Absences returns what notes them. One gateway at a time calls its Note.
func (r *Registry) Absences() *Absences { return &Absences{r: r} }

// Note takes in which servers are or may be connected now, to be called every hour or so. While the clock is in doubt
// nothing is noted.
func (a *Absences) Note(ctx context.Context, connected []wire.ServerXID, now time.Time) error {
	if !a.r.trusted() {
		return nil
	}
	if now.Sub(a.looked).Abs() > lookAgain {
		a.missed = nil
	}
	a.looked = now
	before := a.missed
	a.missed = map[wire.ServerXID]time.Time{}
	there := make(map[wire.ServerXID]bool, len(connected))
	for _, xid := range connected {
		there[xid] = true
	}
	for _, s := range a.r.Servers("") {
		since, missed := before[s.XID]
		var err error
		switch {
		case there[s.XID] && s.Away != nil:
			err = a.r.setAway(ctx, s.XID, nil)
		case there[s.XID]:
		case !missed:
			a.missed[s.XID] = now
		default:
			a.missed[s.XID] = since
			if s.Away == nil && s.Revoked == nil && now.Sub(since) >= missedFor {
				since = since.UTC().Truncate(time.Second)
				err = a.r.setAway(ctx, s.XID, &since)
			}
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("noting whether server %q is away: %w", s.XID, err)
		}
	}
	return nil
}

func (r *Registry) setAway(ctx context.Context, xid wire.ServerXID, since *time.Time) error {
	_, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		s.Away = since
		return nil
	})
	return err
}

// Kept is a server that was not revoked, and why.
type Kept struct {
	XID wire.ServerXID `json:"xid"`
	Why string         `json:"why"`
}

// RevokeAway revokes those of the servers that have been away for so long, and says why it keeps the
// others: one may have come back since somebody chose it. The caller leaves out those that may be
// connected now.
func (r *Registry) RevokeAway(ctx context.Context, servers []wire.ServerXID, away time.Duration, now time.Time) (revoked []Server, kept []Kept, err error) {
	if !r.trusted() {
		return nil, nil, invalid("time: the clock of the cloud's host is in doubt, so nobody knows who has been away for long")
	}
	for _, xid := range servers {
		var why string
		s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
			switch why = ""; {
			case s.Revoked != nil:
				why = "it is revoked already"
			case s.Away == nil:
				why = "it is not known to be away"
			case now.Sub(*s.Away) < away:
				why = "it is away since " + s.Away.Format(time.RFC3339)
			case s.Pending != nil:
				why = "a newer bundle was made for it"
			default:
				at := now.UTC().Truncate(time.Second)
				s.Revoked, s.Twin = &at, nil
			}
			return nil
		})
		switch {
		case errors.Is(err, ErrNotFound):
			why = "there is no such server"
		case err != nil:
			return revoked, kept, fmt.Errorf("revoking server %.70q: %w", string(xid), err)
		}
		if why == "" {
			revoked = append(revoked, s.public())
		} else {
			kept = append(kept, Kept{xid, why})
		}
	}
	return revoked, kept, nil
}
