package services

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/services/exchange"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/lease"
)

const (
	servicePrefix = "service."
	statePrefix   = "state."
)

// Orders make and follow the orders of instances, and of what events start.
type Orders interface {
	// Submit makes the order of an instance. Its error wraps ErrRefused where another try does not mend
	// it, and dispatch.ErrExists where the id was used before.
	Submit(ctx context.Context, s *Service, id wire.OrderID) error
	// Start makes the order of the App that an event starts; errors as of Submit.
	Start(ctx context.Context, s *Service, start *Start, kvContext string, id wire.OrderID) error
	// Get returns an order, or dispatch.ErrNotFound.
	Get(ctx context.Context, id wire.OrderID) (dispatch.Execution, error)
	// Cancel has an order end.
	Cancel(ctx context.Context, id wire.OrderID, reason string) error
	// Token is one for the App of an order, and when it expires.
	Token(ref wire.Ref) (token string, expires time.Time)
}

// Config of Services. All but Gateway, Trusted, Now and Logger are required.
type Config struct {
	KV     jetstream.KeyValue // Bucket
	Events jetstream.KeyValue // EventsBucket
	Orders Orders
	Conn   *nats.Conn // between gateways
	// Exchange has the bodies of requests.
	Exchange *exchange.Exchange
	// Gateway is this process among those that share the bucket; "" = there is no other.
	Gateway string
	// Trusted reports whether this host's clock may be believed, see package lease; nil = always.
	Trusted func() bool
	Now     func() time.Time // nil = time.Now
	Logger  *slog.Logger     // nil discards
}

// Services is safe for concurrent use. It answers from memory, which Run keeps up to date, and writes
// through to the bucket.
type Services struct {
	Config
	lease *lease.Lease
	wake  chan struct{} // 1 token: something changed
	ready chan struct{} // closed when the bucket has been read
	// relayed are the requests of other gateways; they end with their talks.
	relayed sync.WaitGroup

	mu      sync.Mutex
	entries map[string]*entry // by name
	names   map[int64]string  // by number
	talks   map[wire.OrderID]*talk
}

// entry is what is known of one Service. What it points to is never changed.
type entry struct {
	service    *Service // nil: removed
	serviceRev uint64
	state      *State // nil: there is none yet
	stateRev   uint64
	rest       time.Time // after an error: not before that, by the monotonic clock
	limiter    *rate.Limiter
	calls      int // under way at this gateway
}

// View is a Service with what became of it.
type View struct {
	Service Service
	State   State
}

// New returns Services; they are complete when Run has read the bucket.
func New(cfg Config) *Services {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := lease.New(lease.Config{KV: cfg.KV, Gateway: cfg.Gateway, Trusted: cfg.Trusted, What: "services", Logger: cfg.Logger})
	return &Services{
		Config: cfg, lease: l, wake: make(chan struct{}, 1), ready: make(chan struct{}),
		entries: map[string]*entry{}, names: map[int64]string{}, talks: map[wire.OrderID]*talk{},
	}
}

// Create adds a Service and gives it its identity.
func (s *Services) Create(ctx context.Context, v Service) (View, error) {
	if err := s.known(ctx); err != nil {
		return View{}, err
	}
	v.ID, v.Created, v.Generation = s.newID(), s.now(), 1
	if err := v.Check(); err != nil {
		return View{}, err
	}
	if err := s.free(&v); err != nil {
		return View{}, err
	}
	revision, data, err := bucket.Write(ctx, s.KV, servicePrefix+v.Name, &v, 0)
	if bucket.Overtaken(err) {
		return View{}, fmt.Errorf("creating service %q: %w", v.Name, ErrExists)
	}
	if err != nil {
		return View{}, fmt.Errorf("creating service %q: %w", v.Name, err)
	}
	s.apply(servicePrefix+v.Name, data, revision, false)
	return View{Service: v}, nil
}

// newID is a number that no service has. TcEx reads it as a number, Java as one of 31 bits.
func (s *Services) newID() int64 {
	for {
		var b [4]byte
		_, _ = rand.Read(b[:])
		if id := int64(binary.BigEndian.Uint32(b[:]) >> 1); id > 0 && s.byID(id) == nil {
			return id
		}
	}
}

// free refuses a path that another service has.
func (s *Services) free(v *Service) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if o := e.service; o != nil && o.Name != v.Name && v.Path != "" && o.Path == v.Path {
			return fmt.Errorf("%w: service %q has the path %q", ErrInvalid, o.Name, v.Path)
		}
	}
	return nil
}

// Get returns one Service.
func (s *Services) Get(ctx context.Context, name string) (View, error) {
	v, st, _, err := s.read(ctx, name)
	if err != nil {
		return View{}, err
	}
	return View{*v, *stateOf(v, st)}, nil
}

// List returns the services by name, when they have been read.
func (s *Services) List(ctx context.Context) ([]View, error) {
	if err := s.known(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []View
	for _, e := range s.entries {
		if e.service != nil {
			list = append(list, View{*e.service, *stateOf(e.service, e.state)})
		}
	}
	slices.SortFunc(list, func(a, b View) int { return strings.Compare(a.Service.Name, b.Service.Name) })
	return list, nil
}

// known waits until the bucket has been read.
func (s *Services) known(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Change changes a Service. If others do so at once, all changes are made, one after the other. What
// the App is told at its start is changed by a new instance.
func (s *Services) Change(ctx context.Context, name string, change func(*Service) error) (View, error) {
	for {
		v, over, err := s.readService(ctx, name)
		if err != nil {
			return View{}, err
		}
		before := *v
		v.Triggers = slices.Clone(v.Triggers)
		if err := change(v); err != nil {
			return View{}, err
		}
		v.Name, v.ID, v.Created, v.Generation = before.Name, before.ID, before.Created, before.Generation
		if another(&before, v) {
			v.Generation++
		}
		if err := v.Check(); err != nil {
			return View{}, err
		}
		if err := s.free(v); err != nil {
			return View{}, err
		}
		revision, data, err := bucket.Write(ctx, s.KV, servicePrefix+name, v, over)
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return View{}, fmt.Errorf("changing service %q: %w", name, err)
		}
		s.apply(servicePrefix+name, data, revision, false)
		return s.Get(ctx, name)
	}
}

// another reports whether the change needs another instance.
func another(a, b *Service) bool {
	return a.Environment != b.Environment || a.Server != b.Server || a.App != b.App || a.Version != b.Version ||
		a.Limits != b.Limits || a.Restarted != b.Restarted || !maps.Equal(a.Params, b.Params)
}

// Remove removes a Service. Its instances are told to end.
func (s *Services) Remove(ctx context.Context, name string) error {
	v, err := s.changeState(ctx, name, func(_ *Service, st *State) error { st.dismiss(); return nil })
	if err != nil {
		return err
	}
	for {
		_, over, err := s.readService(ctx, name)
		if err != nil {
			return err
		}
		err = s.KV.Purge(ctx, servicePrefix+name, jetstream.LastRevision(over))
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("removing service %q: %w", name, err)
		}
		s.apply(servicePrefix+name, nil, over+1, true)
		break
	}
	for _, i := range v.State.Old { // what fails here is ended by the owner, which finds the state
		_ = s.Orders.Cancel(ctx, i.Order, "the service was removed")
	}
	return nil
}

// errUnchanged is for changes that find nothing to change.
var errUnchanged = errors.New("nothing is to be changed")

// changeState changes a State as the bucket has it. If others do so at once, all changes are made.
func (s *Services) changeState(ctx context.Context, name string, change func(*Service, *State) error) (View, error) {
	for {
		v, st, revision, err := s.read(ctx, name)
		if err != nil {
			return View{}, err
		}
		st = stateOf(v, st).clone()
		err = change(v, st)
		if errors.Is(err, errUnchanged) {
			return View{*v, *st}, nil
		}
		if err != nil {
			return View{}, err
		}
		err = s.putState(ctx, name, st, revision)
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return View{}, fmt.Errorf("changing the state of service %q: %w", name, err)
		}
		return View{*v, *st}, nil
	}
}

// now is the time as it is stored.
func (s *Services) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// byID returns what is known of a service by its number, nil if there is none.
func (s *Services) byID(id int64) *View {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := s.names[id]
	if !ok {
		return nil
	}
	e := s.entries[name]
	return &View{*e.service, *stateOf(e.service, e.state)}
}
