package cloud

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

const (
	// brokersBucket has the brokers of the cloud's gateways, so that bundles name all of them.
	brokersBucket = "gateways"
	// brokerStays is how long a broker is named after its gateway was there last: one that is down
	// for some days comes back, one that is gone for good is forgotten.
	brokerStays = 7 * 24 * time.Hour
	// brokerAgain is how often a gateway says that it is there.
	brokerAgain = time.Hour
)

// brokers are where agents reach the cloud: this gateway's, and those of the others.
type brokers struct {
	own    []string           // host:port
	silent bool               // other hosts cannot use them
	kv     jetstream.KeyValue // nil where there are no others
	log    *slog.Logger

	mu     sync.Mutex
	others map[string]member // by key
	known  bool              // others has all
}

// member is what a gateway says of one of its brokers.
type member struct {
	Broker string `json:"broker"` // host:port

	seen time.Time
}

func openBrokers(ctx context.Context, st *store.Store, p *ports, log *slog.Logger) (*brokers, error) {
	b := &brokers{own: p.publicBrokers, log: log, others: map[string]member{}}
	if st.Embedded() {
		return b, nil
	}
	b.silent = !loopback(p.broker) && slices.ContainsFunc(b.own, func(addr string) bool {
		host, _, _ := net.SplitHostPort(addr)
		ip := net.ParseIP(host)
		return ip != nil && ip.IsLoopback()
	})
	var err error
	b.kv, err = st.KV(ctx, brokersBucket, store.KVOptions{TTL: brokerStays})
	return b, err
}

// Run says that this gateway is there, and learns of the others, until ctx ends.
func (b *brokers) Run(ctx context.Context) error {
	if b.kv == nil {
		return nil
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _ = bucket.Follow(ctx, b.kv, b.take) })
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = brokerAgain
		if err := b.tell(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("the other gateways were not told of this one's broker, trying again", "err", err)
			wait = 10 * time.Second
		}
	}
}

func (b *brokers) tell(ctx context.Context) error {
	if b.silent {
		return nil
	}
	for _, addr := range b.own {
		data, err := json.Marshal(member{Broker: addr})
		if err != nil {
			return err
		}
		if _, err := b.kv.Put(ctx, hex.EncodeToString([]byte(addr)), data); err != nil {
			return err
		}
	}
	return nil
}

// take takes in an entry of the bucket.
func (b *brokers) take(e jetstream.KeyValueEntry) {
	if e == nil { // all were there
		b.mu.Lock()
		b.known = true
		b.mu.Unlock()
		return
	}
	var m member
	valid := e.Operation() == jetstream.KeyValuePut && json.Unmarshal(e.Value(), &m) == nil && checkBroker(m.Broker) == nil
	b.mu.Lock()
	defer b.mu.Unlock()
	if !valid {
		delete(b.others, e.Key())
		return
	}
	m.seen = e.Created()
	b.others[e.Key()] = m
}

// String is all of them as the setting brokerHost has them, this gateway's first.
func (b *brokers) String() string { return strings.Join(b.list(b.own), ",") }

// Told are those that connected agents are told, in order: none until all gateways are known, and none
// of this one that only its own host can use.
func (b *brokers) Told() []string {
	b.mu.Lock()
	known := b.known || b.kv == nil
	b.mu.Unlock()
	if !known {
		return nil
	}
	own := b.own
	if b.silent {
		own = nil
	}
	all := b.list(own)
	slices.Sort(all)
	return all
}

// list is this gateway's and those of the others.
func (b *brokers) list(own []string) []string {
	b.mu.Lock()
	others := slices.Collect(maps.Values(b.others))
	b.mu.Unlock()
	slices.SortFunc(others, func(x, y member) int { return cmp.Compare(x.Broker, y.Broker) })
	all := slices.Clone(own)
	for _, m := range others {
		if time.Since(m.seen) < brokerStays && !slices.Contains(all, m.Broker) {
			all = append(all, m.Broker)
		}
	}
	return all[:min(len(all), wire.MaxBrokers)]
}
