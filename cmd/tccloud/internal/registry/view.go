package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
)

// apply applies one change to the memory, unless a newer one is there.
func (r *Registry) apply(key string, value []byte, revision uint64, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	revoked := gone // only then a session may have to end
	if name, ok := strings.CutPrefix(key, envPrefix); ok {
		err = put(r.envs, name, value, revision, gone)
		revoked = !r.envs[name].value.Active
	} else if xid, ok := strings.CutPrefix(key, srvPrefix); ok {
		old := r.servers[wire.ServerXID(xid)]
		err = put(r.servers, wire.ServerXID(xid), value, revision, gone)
		now := r.servers[wire.ServerXID(xid)].value
		r.index(old.value, now)
		revoked = revoked || now.Revoked != nil
	} else if xid, ok := strings.CutPrefix(key, sealPrefix); ok {
		err = put(r.seals, wire.ServerXID(xid), value, revision, gone)
		revoked = false
	}
	if revoked {
		r.notify()
	}
	if err != nil {
		// The old record stays: a server that could connect before still can.
		r.log.Error("record of the registry is not readable", "key", key, "revision", revision, "err", err)
	}
}

func put[K comparable, T any](m map[K]entry[T], key K, value []byte, revision uint64, gone bool) error {
	switch {
	case revision < m[key].revision:
		return nil
	case gone:
		delete(m, key)
		return nil
	}
	var v T
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	m[key] = entry[T]{v, revision}
	return nil
}

// index keeps the map from delivery tokens to servers.
func (r *Registry) index(old, now record) {
	for _, i := range old.identities() {
		delete(r.delivery, i.DeliveryToken)
	}
	for _, i := range now.identities() {
		r.delivery[i.DeliveryToken] = now.XID
	}
}

func (r *Registry) notify() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// create writes a record that must not exist yet. It is in memory before create returns, so that an
// operator's next call sees it.
func (r *Registry) create(ctx context.Context, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	revision, err := r.kv.Create(ctx, key, data)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return ErrExists
	}
	if err != nil {
		return err
	}
	r.apply(key, data, revision, false)
	return nil
}

// update changes a record. If two do so at once both changes are made, one after the other: change may be
// called several times. A record that stays as it is is not written.
func update[T any](ctx context.Context, r *Registry, key string, change func(*T) error) (T, error) {
	var v T
	for {
		e, err := r.kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
			return v, ErrNotFound
		}
		if err != nil {
			return v, err
		}
		v = *new(T)
		if err := json.Unmarshal(e.Value(), &v); err != nil {
			return v, err
		}
		if err := change(&v); err != nil {
			return v, err
		}
		data, err := json.Marshal(v)
		if err != nil {
			return v, err
		}
		if bytes.Equal(data, e.Value()) {
			r.apply(key, data, e.Revision(), false) // memory may lag behind
			return v, nil
		}
		revision, err := r.kv.Update(ctx, key, data, e.Revision())
		if errors.Is(err, jetstream.ErrKeyExists) { // another writer was faster
			continue
		}
		if err != nil {
			return v, err
		}
		r.apply(key, data, revision, false)
		return v, nil
	}
}

func (r *Registry) delete(ctx context.Context, key string) error {
	if err := r.kv.Delete(ctx, key); err != nil {
		return err
	}
	// The revision is not returned; the watch will repeat this with it.
	r.apply(key, nil, ^uint64(0), true)
	return nil
}
