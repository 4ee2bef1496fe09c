package registry

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
)

// sealPrefix begins the key of the record with a server's sealing key. It is a record of its own,
// because it is written anew each day and larger than the server's.
const sealPrefix = "sel."

// maxSealKeys bounds the keys of a server that are remembered: it rotates them now and then, and
// opens with an old one for months.
const maxSealKeys = 16

// SealKey is what people see of a server's sealing key.
type SealKey struct {
	ID          string    `json:"id"`
	Fingerprint string    `json:"fingerprint"`
	Stated      time.Time `json:"stated"` // when the cloud got it last
}

// Statement is a server's statement of its sealing key, as submitters verify it. The cloud's word
// for it does not count.
type Statement struct {
	Server    wire.ServerXID `json:"server"`
	Name      string         `json:"name"`
	Statement string         `json:"statement,omitempty"` // package secret/envelope; "" if the server has none
}

// sealing is a record. The statement stays in the store: the memory of a cloud with thousands of
// servers has the rest only.
type sealing struct {
	SealKey
	Digest digest    `json:"digest"` // of the statement
	Keys   []oldSeal `json:"keys"`   // newest first, the current one as well
}

// oldSeal is a key that the server opens with.
type oldSeal struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until,omitzero"` // the server drops it then; zero: it is the current one
}

// stored is a record with the statement.
type stored struct {
	sealing
	Statement string `json:"statement"`
}

// StateSealKey keeps a server's statement if it is newer, and returns the ids of the keys with which the server
// opens what is sealed. A statement that does not verify is not kept, and the server opens nothing
// by it: submitters would not believe it either.
func (r *Registry) StateSealKey(ctx context.Context, xid wire.ServerXID, environment, text string) ([]string, error) {
	sum := digestOf(text)
	r.mu.RLock()
	known := r.seals[xid].value
	r.mu.RUnlock()
	now := time.Now()
	if known.Digest.equal(sum) {
		return known.opens(now), nil
	}
	s := new(envelope.Statement)
	err := s.UnmarshalText([]byte(text))
	if err == nil && s.Server() != xid {
		err = fmt.Errorf("it is of server %q", s.Server())
	}
	if err == nil {
		_, err = s.Verify(envelope.Trust{CAs: []*x509.Certificate{r.ca.Certificate()}}, environment, now)
	}
	if err != nil {
		r.log.Warn("statement of a sealing key is not good", "server", xid, "err", err)
		return nil, nil
	}
	next, err := r.keepStatement(ctx, xid, s, text, now)
	if err != nil {
		return nil, err
	}
	r.log.Info("sealing key stated", "server", xid, "key", s.KeyID())
	return next.opens(now), nil
}

func (r *Registry) keepStatement(ctx context.Context, xid wire.ServerXID, s *envelope.Statement, text string, now time.Time) (sealing, error) {
	key := sealPrefix + string(xid)
	for {
		var before stored
		e, err := r.kv.Get(ctx, key)
		revision := uint64(0)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
		case err != nil:
			return sealing{}, err
		default:
			revision = e.Revision()
			if err := json.Unmarshal(e.Value(), &before); err != nil {
				r.log.Error("sealing key is not readable, it is replaced", "server", xid, "err", err)
				before = stored{}
			}
		}
		next := stored{before.sealing.with(s, digestOf(text), now), text}
		data, err := json.Marshal(next)
		if err != nil {
			return sealing{}, err
		}
		if revision == 0 {
			revision, err = r.kv.Create(ctx, key, data)
		} else {
			revision, err = r.kv.Update(ctx, key, data, revision)
		}
		if errors.Is(err, jetstream.ErrKeyExists) { // another gateway was faster
			continue
		}
		if err != nil {
			return sealing{}, err
		}
		r.apply(key, data, revision, false)
		return next.sealing, nil
	}
}

// with is the record after a statement: the key before it, if it is another, opens for the overlap.
func (s sealing) with(t *envelope.Statement, sum digest, now time.Time) sealing {
	now = now.UTC().Truncate(time.Second)
	id := t.KeyID().String()
	keys := []oldSeal{{ID: id}}
	for _, k := range s.Keys {
		if k.Until.IsZero() {
			k.Until = now.Add(envelope.Overlap)
		}
		if k.ID != id && now.Before(k.Until) && len(keys) < maxSealKeys {
			keys = append(keys, k)
		}
	}
	return sealing{SealKey{id, t.Fingerprint().String(), now}, sum, keys}
}

// opens are the keys that the server has not dropped yet.
func (s sealing) opens(now time.Time) []string {
	var ids []string
	for _, k := range s.Keys {
		if k.Until.IsZero() || now.Before(k.Until) {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// public is the server with its sealing key. r.mu is held.
func (r *Registry) public(s *record) Server {
	p := s.public()
	if k := r.seals[s.XID].value; k.ID != "" {
		p.SealKey = &k.SealKey
	}
	return p
}

// Openers are the servers of an Environment that open what is sealed to one of the keys, by name.
func (r *Registry) Openers(environment string, keys []string) []Server {
	now := time.Now()
	return slices.DeleteFunc(r.Servers(environment), func(s Server) bool {
		r.mu.RLock()
		ids := r.seals[s.XID].value.opens(now)
		r.mu.RUnlock()
		return s.Revoked != nil || !slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(keys, id) })
	})
}

// OpensUntil is when a server drops the last of the keys that it opens with; zero if one of them is its
// current one, or it opens with none.
func (r *Registry) OpensUntil(xid wire.ServerXID, keys []string) time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var last time.Time
	for _, k := range r.seals[xid].value.Keys {
		switch {
		case !slices.Contains(keys, k.ID):
		case k.Until.IsZero():
			return k.Until
		case k.Until.After(last):
			last = k.Until
		}
	}
	return last
}

// Statements are those of the servers of an Environment that are not revoked.
func (r *Registry) Statements(ctx context.Context, environment string) ([]Statement, error) {
	if _, err := r.Environment(environment); err != nil {
		return nil, err
	}
	list := []Statement{}
	for _, s := range r.Servers(environment) {
		if s.Revoked != nil {
			continue
		}
		e, err := r.kv.Get(ctx, sealPrefix+string(s.XID))
		var with stored
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
		case err != nil:
			return nil, fmt.Errorf("reading the sealing key of server %q: %w", s.XID, err)
		default:
			if err := json.Unmarshal(e.Value(), &with); err != nil {
				return nil, fmt.Errorf("reading the sealing key of server %q: %w", s.XID, err)
			}
		}
		list = append(list, Statement{s.XID, s.Name, with.Statement})
	}
	return list, nil
}
