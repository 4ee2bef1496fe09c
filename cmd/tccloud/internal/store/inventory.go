package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/disk/atomicfile"
)

// inventory says what the embedded store held, in a file beside its folder.
// NATS that finds a block of messages cut off, emptied or gone starts without a
// word and has never heard of them; who kept the account notices.
type inventory struct {
	Clean   bool               `json:"clean"` // nothing was written after it
	Time    time.Time          `json:"time"`
	Streams map[string]holding `json:"streams"`
}

// holding is one stream's. Its configuration is here because NATS passes over
// a stream whose own copy is damaged, and finds its messages when it is made again.
type holding struct {
	Messages uint64                 `json:"messages"`
	Last     uint64                 `json:"last_sequence"`
	Newest   bool                   `json:"newest"` // the message with the last sequence is there
	Config   jetstream.StreamConfig `json:"config"`
}

// counted reports whether the stream has never fewer messages than before, but for
// what leave told: a bucket of one value a key, where a removal is a message too, or of objects.
func (h holding) counted() bool {
	c := h.Config
	one := strings.HasPrefix(c.Name, objPrefix) || strings.HasPrefix(c.Name, kvPrefix) && c.MaxMsgsPerSubject == 1
	return one && c.Storage == jetstream.FileStorage && c.MaxAge == 0
}

const (
	kvPrefix  = "KV_"
	objPrefix = "OBJ_"
)

func (s *Store) inventoryFile() string { return s.dir + ".json" }

// lastInventory returns what was written, and none where the store is new or it tells nothing.
func (s *Store) lastInventory() inventory {
	var i inventory
	data, err := os.ReadFile(s.inventoryFile())
	if errors.Is(err, fs.ErrNotExist) && !s.known {
		return i
	}
	if err == nil {
		err = json.Unmarshal(data, &i)
	}
	if err != nil {
		s.log.Warn("inventory of the store cannot be read: it is not known whether the store has lost anything",
			"file", s.inventoryFile(), "err", err)
		return inventory{}
	}
	return i
}

// look takes an inventory of what there is now.
func (s *Store) look(ctx context.Context) (inventory, error) {
	i := inventory{Time: time.Now().UTC().Truncate(time.Second), Streams: map[string]holding{}}
	list := s.js.ListStreams(ctx)
	for info := range list.Info() {
		i.Streams[info.Config.Name] = holding{Messages: info.State.Msgs, Last: info.State.LastSeq, Config: info.Config}
	}
	if err := list.Err(); err != nil {
		return i, fmt.Errorf("listing what the store holds: %w", err)
	}
	return i, nil
}

const (
	noteEvery = 5 * time.Second
	noteTime  = 5 * time.Second
	fitEvery  = 20 * time.Second
)

// keep keeps the inventory and the limits of what may shrink, until ctx ends.
func (s *Store) keep(ctx context.Context) error {
	if s.dir == "" {
		return nil
	}
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	var fitted time.Time
	for {
		well := s.Health().Err == nil
		if well && time.Since(fitted) > fitEvery {
			fitted = time.Now()
			if err := s.Fit(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("logs were not fitted to the disk", "err", err)
			}
		}
		if well {
			s.write(false)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// write writes the inventory where it changed. The last one of a store that
// closes in order says so.
func (s *Store) write(clean bool) {
	err := s.account(clean)
	if err != nil && !s.unsaid.Swap(true) {
		s.log.Warn("inventory of the store was not written", "file", s.inventoryFile(), "err", err)
	}
	if err == nil {
		s.unsaid.Store(false)
	}
}

func (s *Store) account(clean bool) error {
	s.noting.Lock() // one after the other, so that none writes what an earlier look saw
	defer s.noting.Unlock()
	s.mu.Lock()
	leaving := maps.Clone(s.leaving)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), noteTime)
	defer cancel()
	i, err := s.look(ctx)
	if err != nil {
		return err
	}
	for name, n := range leaving {
		if h, ok := i.Streams[name]; ok {
			h.Messages -= min(h.Messages, n)
			i.Streams[name] = h
		}
	}
	for name, h := range i.Streams {
		was := s.noted.Streams[name]
		if leaving[name] > 0 { // it may be the one that goes
			continue
		}
		if h.Newest = was.Newest; h.Last != was.Last {
			if h.Newest, err = s.newest(ctx, h); err != nil {
				return err
			}
		}
		i.Streams[name] = h
	}
	i.Clean = clean
	same := func(a, b holding) bool {
		return a.Messages == b.Messages && a.Last == b.Last && a.Newest == b.Newest && reflect.DeepEqual(a.Config, b.Config)
	}
	if i.Clean == s.noted.Clean && maps.EqualFunc(i.Streams, s.noted.Streams, same) {
		return nil
	}
	data, err := json.Marshal(i)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(s.inventoryFile(), append(data, '\n'), 0o600); err != nil {
		return err
	}
	s.noted = i
	return nil
}

// newest reports whether the bucket has the message with its last sequence. NATS remembers the number and, where
// the end of a file is lost, shows older values of keys as if they were the newest.
func (s *Store) newest(ctx context.Context, h holding) (bool, error) {
	if !h.counted() || h.Messages == 0 || !strings.HasPrefix(h.Config.Name, kvPrefix) {
		return false, nil
	}
	st, err := s.js.Stream(ctx, h.Config.Name)
	if err != nil {
		return false, err
	}
	_, err = st.GetMsg(ctx, h.Last)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}

// leave lowers the account before so many messages of a stream are removed by f.
func (s *Store) leave(stream string, n int, f func() error) error {
	if s.dir == "" {
		return f()
	}
	count := func(n uint64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.leaving == nil {
			s.leaving = map[string]uint64{}
		}
		if s.leaving[stream] += n; s.leaving[stream] == 0 {
			delete(s.leaving, stream)
		}
	}
	count(uint64(n))
	defer count(-uint64(n))
	if err := s.account(false); err != nil {
		return err
	}
	return f()
}
