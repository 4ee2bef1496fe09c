package inventory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/embedded"
)

// noteTimeout bounds how long taking an inventory may last.
const noteTimeout = 5 * time.Second

// Inventory knows what the streams of an embedded server held a moment ago. It is safe for
// concurrent use.
type Inventory struct {
	server *embedded.Server
	js     jetstream.JetStream
	log    *slog.Logger
	// quiet is how long a stream may give nothing before the rest of it counts as unreadable.
	quiet time.Duration

	checked bool // Check succeeded: what is there may be written down

	writing sync.Mutex  // is held while the inventory is written
	written snapshot    // as it was written last
	unsaved atomic.Bool // it could not be written, and that was logged

	mu       sync.Mutex
	removing map[string]uint64 // messages of streams that are being removed
}

// longQuiet is longer than a busy disk needs for a block of messages.
const longQuiet = 10 * time.Second

// New returns the inventory of a server that js reaches. A stream that is read at the start and
// gives nothing for so long as quiet, 0 = 10 s, is taken for damaged.
func New(server *embedded.Server, js jetstream.JetStream, quiet time.Duration, log *slog.Logger) *Inventory {
	return &Inventory{server: server, js: js, log: log, quiet: cmp.Or(quiet, longQuiet), removing: map[string]uint64{}}
}

// snapshot is what the file says.
type snapshot struct {
	Clean   bool               `json:"clean"` // nothing was written after it
	Time    time.Time          `json:"time"`
	Streams map[string]holding `json:"streams"`
}

// holding is what one stream held. The stream's configuration is part of it, because NATS ignores a
// stream whose own copy of it is damaged, and finds the messages when the stream is made again.
type holding struct {
	Messages uint64                 `json:"messages"`
	Last     uint64                 `json:"last_sequence"`
	Newest   bool                   `json:"newest"` // the message with the last sequence is there
	Config   jetstream.StreamConfig `json:"config"`
}

// counted reports whether the stream never has fewer messages than before, except for those that
// Removing announced: a bucket with one value for each key, where a removal is a message too, or a
// bucket of objects.
func (h holding) counted() bool {
	c := h.Config
	one := strings.HasPrefix(c.Name, bucket.ObjectsPrefix) || strings.HasPrefix(c.Name, bucket.ValuesPrefix) && c.MaxMsgsPerSubject == 1
	return one && c.Storage == jetstream.FileStorage && c.MaxAge == 0
}

// file is beside the folder, so that what damages the folder leaves it alone.
func (i *Inventory) file() string { return i.server.Dir() + ".json" }

// last reads the file. It returns an empty snapshot where the store is new or the file cannot be
// read.
func (i *Inventory) last() snapshot {
	var s snapshot
	data, err := os.ReadFile(i.file())
	if errors.Is(err, fs.ErrNotExist) && !i.server.Known() {
		return s
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		i.log.Warn("inventory of the store cannot be read: it is not known whether the store has lost anything",
			"file", i.file(), "err", err)
		return snapshot{}
	}
	return s
}

// count asks the server for what there is now.
func (i *Inventory) count(ctx context.Context) (snapshot, error) {
	s := snapshot{Time: time.Now().UTC().Truncate(time.Second), Streams: map[string]holding{}}
	list := i.js.ListStreams(ctx)
	for info := range list.Info() {
		s.Streams[info.Config.Name] = holding{Messages: info.State.Msgs, Last: info.State.LastSeq, Config: info.Config}
	}
	if err := list.Err(); err != nil {
		return s, fmt.Errorf("listing what the store holds: %w", err)
	}
	return s, nil
}

// Write writes the inventory where it has changed. It logs an error once.
func (i *Inventory) Write() { i.write(false) }

// Close writes the last inventory of a store that closes in order, and that nothing was written
// after it. It does nothing unless Check has succeeded.
func (i *Inventory) Close() {
	if i.checked {
		i.write(true)
	}
}

func (i *Inventory) write(clean bool) {
	err := i.update(clean)
	if err != nil && !i.unsaved.Swap(true) {
		i.log.Warn("inventory of the store was not written", "file", i.file(), "err", err)
	}
	if err == nil {
		i.unsaved.Store(false)
	}
}

func (i *Inventory) update(clean bool) error {
	i.writing.Lock() // one after the other, so that none writes what was counted before another
	defer i.writing.Unlock()
	i.mu.Lock()
	removing := maps.Clone(i.removing)
	i.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	defer cancel()
	s, err := i.count(ctx)
	if err != nil {
		return err
	}
	for name, n := range removing {
		if h, ok := s.Streams[name]; ok {
			h.Messages -= min(h.Messages, n)
			s.Streams[name] = h
		}
	}
	for name, h := range s.Streams {
		was := i.written.Streams[name]
		if removing[name] > 0 { // the newest may be the one that is removed
			continue
		}
		if h.Newest = was.Newest; h.Last != was.Last {
			if h.Newest, err = i.hasNewest(ctx, h); err != nil {
				return err
			}
		}
		s.Streams[name] = h
	}
	s.Clean = clean
	same := func(a, b holding) bool {
		return a.Messages == b.Messages && a.Last == b.Last && a.Newest == b.Newest && reflect.DeepEqual(a.Config, b.Config)
	}
	if s.Clean == i.written.Clean && maps.EqualFunc(s.Streams, i.written.Streams, same) {
		return nil
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(i.file(), append(data, '\n'), 0o600); err != nil {
		return err
	}
	i.written = s
	return nil
}

// hasNewest reports whether the bucket has the message with its last sequence. NATS remembers the
// number and, where the end of a file is lost, shows older values of keys as if they were the
// newest.
func (i *Inventory) hasNewest(ctx context.Context, h holding) (bool, error) {
	if !h.counted() || h.Messages == 0 || !strings.HasPrefix(h.Config.Name, bucket.ValuesPrefix) {
		return false, nil
	}
	st, err := i.js.Stream(ctx, h.Config.Name)
	if err != nil {
		return false, err
	}
	_, err = st.GetMsg(ctx, h.Last)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Removing calls remove, which removes at most n messages of a stream, after it has written that
// they may be missing. A nil Inventory just calls remove.
func (i *Inventory) Removing(stream string, n int, remove func() error) error {
	if i == nil {
		return remove()
	}
	add := func(n uint64) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.removing[stream] += n; i.removing[stream] == 0 {
			delete(i.removing, stream)
		}
	}
	add(uint64(n))
	defer add(-uint64(n))
	if err := i.update(false); err != nil {
		return err
	}
	return remove()
}
