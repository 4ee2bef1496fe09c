package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/access/limit"
	"tcenvsvr/cmd/tccloud/internal/access/password"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Bucket is the name of the bucket. It must be opened with store.KVOptions.Newest.
const Bucket = "access"

// Config is what Users need.
type Config struct {
	KV     jetstream.KeyValue // the bucket, see Bucket
	Audit  *audit.Log         // nil keeps nothing
	Issuer string             // of single sign-on, "" where there is none
	Cost   password.Cost      // of new passwords
	Logger *slog.Logger       // nil discards
}

// Users are all users, tokens and links. They are safe for concurrent use.
type Users struct {
	kv         jetstream.KeyValue
	log        *slog.Logger
	audit      *audit.Log
	issuer     string
	hasher     *password.Hasher
	perUser    *limit.Limit
	perAddress *limit.Limit

	mu       sync.RWMutex
	users    map[string]account
	revision uint64 // of users
	tokens   map[string]entry
	secrets  map[digest]string // of tokens, to their ids
	held     map[*hold]struct{}
	used     map[string]time.Time // tokens whose day of use is to be stored
}

// entry is a token with the revision that it was read at.
type entry struct {
	token
	revision uint64
	// gone is when it was removed. That is remembered for a while: what was written before may come
	// after it, from the watch or from a write of this gateway.
	gone time.Time
}

// rememberGone is how long.
const rememberGone = 5 * time.Minute

// Open reads all records and returns when the copy in memory is complete; Run keeps it so.
func Open(ctx context.Context, cfg Config) (*Users, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	u := &Users{
		kv: cfg.KV, log: cfg.Logger, audit: cfg.Audit, issuer: cfg.Issuer, hasher: password.New(cfg.Cost),
		perUser: limit.New(userBurst, userEvery), perAddress: limit.New(addressBurst, addressEvery),
		users: map[string]account{}, tokens: map[string]entry{}, secrets: map[digest]string{},
		held: map[*hold]struct{}{}, used: map[string]time.Time{},
	}
	if err := bucket.Load(ctx, cfg.KV, u.watched); err != nil {
		return nil, fmt.Errorf("reading who has access: %w", err)
	}
	return u, nil
}

// rewatch is the pause before a lost watch is started again.
const rewatch = time.Second

// Run follows the bucket until ctx ends.
func (u *Users) Run(ctx context.Context) error {
	for {
		err := u.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		u.log.Warn("watch of who has access lost, beginning again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rewatch):
		}
	}
}

func (u *Users) follow(ctx context.Context) error {
	// A watch begins with all entries, so that no change is missed between Open, or a lost watch,
	// and this one.
	watch, err := u.kv.WatchAll(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = watch.Stop() }()
	begun := map[string]bool{} // the keys of the beginning
	day := time.NewTicker(useEvery)
	defer day.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-day.C:
			u.storeUse(ctx)
		case e, ok := <-watch.Updates():
			switch {
			case !ok:
				return errors.New("it ended")
			case e != nil:
				if begun != nil {
					begun[e.Key()] = true
				}
				u.watched(e)
			case begun != nil:
				u.keep(ctx, begun)
				begun = nil
			}
		}
	}
}

// keep drops the tokens that are not in the store any more: they were removed while nobody watched,
// and even the marks of that are gone.
func (u *Users) keep(ctx context.Context, there map[string]bool) {
	u.mu.RLock()
	var missing []string
	for id, t := range u.tokens {
		if t.gone.IsZero() && !there[tokenPrefix+id] {
			missing = append(missing, id)
		}
	}
	u.mu.RUnlock()
	for _, id := range missing { // one that was made since the watch began is there
		if _, err := u.kv.Get(ctx, tokenPrefix+id); errors.Is(err, jetstream.ErrKeyNotFound) {
			u.apply(tokenPrefix+id, nil, ^uint64(0), true)
		}
	}
}

func (u *Users) watched(e jetstream.KeyValueEntry) {
	u.apply(e.Key(), e.Value(), e.Revision(), e.Operation() != jetstream.KeyValuePut)
}

// apply applies one change to the memory, unless a newer one is there, and ends what is not allowed
// any more. What cannot be read allows nothing.
func (u *Users) apply(key string, value []byte, revision uint64, gone bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var err error
	if key == usersKey && revision >= u.revision {
		var d directory
		if !gone {
			err = json.Unmarshal(value, &d)
		}
		if err != nil {
			d.Users = nil
		}
		for name, a := range d.Users {
			a.Name = name
			d.Users[name] = a
		}
		u.users, u.revision = d.Users, revision
	} else if id, ok := strings.CutPrefix(key, tokenPrefix); ok && revision >= u.tokens[id].revision {
		delete(u.secrets, u.tokens[id].Digest)
		e := entry{revision: revision, gone: time.Now()}
		if !gone {
			if err = json.Unmarshal(value, &e.token); err == nil {
				e.ID, e.gone = id, time.Time{}
				u.secrets[e.Digest] = id
			}
		}
		u.tokens[id] = e
	} else {
		return
	}
	if err != nil {
		u.log.Error("record of who has access is not readable: it allows nothing", "key", key, "revision", revision, "err", err)
	}
	u.release()
}
