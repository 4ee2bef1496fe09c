package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
)

const (
	claimPrefix = "nam."
	// claimTime is how long a claim keeps others off before its server has the name: a gateway that died
	// in between keeps the name from nobody.
	claimTime = 10 * time.Second
)

// claim is a server's right to a name in an Environment. Two gateways that give one name to two servers
// at once both find it free in their memory; only one of them creates the claim.
type claim struct {
	XID  wire.ServerXID `json:"xid"`
	Used bool           `json:"used,omitempty"` // the server got the name: its record says whether it has it still
}

func claimKey(environment, name string) string {
	sum := sha256.Sum256([]byte(environment + "\x00" + name))
	return claimPrefix + hex.EncodeToString(sum[:])
}

// claim takes a name for a server, or fails with [NameTaken]. used says that the server's record tells
// from now on whether it has the name; without it the claim ends by itself.
func (r *Registry) claim(ctx context.Context, environment, name string, xid wire.ServerXID) (used func(), err error) {
	key := claimKey(environment, name)
	mine, done := marshal(claim{XID: xid}), marshal(claim{XID: xid, Used: true})
	for {
		revision, err := r.kv.Create(ctx, key, mine)
		if errors.Is(err, jetstream.ErrKeyExists) {
			revision, err = r.takeOver(ctx, key, mine, environment, name, xid)
		}
		switch {
		case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyNotFound):
			continue // somebody else was faster: see what became of it
		case err != nil:
			return nil, fmt.Errorf("claiming the name %q: %w", name, err)
		}
		return func() { _, _ = r.kv.Update(ctx, key, done, revision) }, nil // else it is as good for claimTime
	}
}

// takeOver takes a claim from a server that does not have the name any more.
func (r *Registry) takeOver(ctx context.Context, key string, mine []byte, environment, name string, xid wire.ServerXID) (revision uint64, err error) {
	e, err := r.kv.Get(ctx, key)
	if err != nil {
		return 0, err
	}
	var of claim
	if err := json.Unmarshal(e.Value(), &of); err != nil {
		return 0, err
	}
	if of.XID != xid {
		held, err := r.held(ctx, of, e.Created(), environment, name)
		if err != nil {
			return 0, err
		}
		if held {
			return 0, &NameTaken{name, environment, of.XID}
		}
	}
	return r.kv.Update(ctx, key, mine, e.Revision())
}

// held reports whether the server of a claim has the name, or gets it now. The store is asked: memory
// may lag behind what another gateway has written.
func (r *Registry) held(ctx context.Context, of claim, made time.Time, environment, name string) (bool, error) {
	if !of.Used && time.Since(made) < claimTime {
		return true, nil
	}
	e, err := r.kv.Get(ctx, srvPrefix+string(of.XID))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var s record
	if err := json.Unmarshal(e.Value(), &s); err != nil {
		return false, err
	}
	return s.named(environment, name), nil
}

// named reports whether the server has, or will have, the name in the Environment. One that was revoked
// leaves its name to others.
func (s *record) named(environment, name string) bool {
	if s.Revoked != nil {
		return false
	}
	for _, i := range s.identities() {
		if i.Environment == environment && i.Name == name {
			return true
		}
	}
	return false
}

func marshal(c claim) []byte {
	data, _ := json.Marshal(c) // of two plain fields
	return data
}

// sweepClaims removes the claims of names that their servers do not have any more.
func (r *Registry) sweepClaims(ctx context.Context) error {
	wanted := map[string]bool{}
	r.mu.RLock()
	for _, s := range r.servers {
		for _, i := range s.value.identities() {
			wanted[claimKey(i.Environment, i.Name)] = true
		}
	}
	r.mu.RUnlock()
	keys, err := r.kv.ListKeysFiltered(ctx, claimPrefix+"*")
	if err != nil {
		return fmt.Errorf("sweeping names: %w", err)
	}
	for key := range keys.Keys() {
		if wanted[key] {
			continue
		}
		if err := r.sweep(ctx, key, func(value []byte) bool {
			var c claim
			return json.Unmarshal(value, &c) != nil || c.Used
		}); err != nil {
			return fmt.Errorf("removing the claim of a name that nobody has: %w", err)
		}
	}
	return nil
}
