package exchange

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/app/api"
)

// Names of the values of a request.
const (
	Request  = "request.body"
	Response = "response.body"
)

// maxHeld bounds all bodies that a gateway holds, in bytes.
const maxHeld = 256 << 20

// ErrFull means that the requests under way need as much memory as there is for them.
var ErrFull = errors.New("too much is under way")

// Exchange is safe for concurrent use.
type Exchange struct {
	conn    *nats.Conn
	gateway string // eight hexadecimal digits

	mu   sync.Mutex
	open map[string]map[string][]byte // values by name, by context
	held int
}

// New returns the exchange of a gateway; Run serves it to others.
func New(conn *nats.Conn) *Exchange {
	var id [4]byte
	_, _ = rand.Read(id[:])
	return &Exchange{conn: conn, gateway: hex.EncodeToString(id[:]), open: map[string]map[string][]byte{}}
}

// Open begins a request to a service, with its body, and returns its key. Close ends it.
func (x *Exchange) Open(service int64, name string, body []byte) (key string, err error) {
	var id [12]byte
	_, _ = rand.Read(id[:])
	key = "x" + x.gateway + hex.EncodeToString(id[:])
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.held+len(body) > maxHeld {
		return "", ErrFull
	}
	x.held += len(body)
	x.open[api.ServiceContext(service, key)] = map[string][]byte{name: body}
	return key, nil
}

// Close ends a request, and what is kept of it.
func (x *Exchange) Close(service int64, key string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := api.ServiceContext(service, key)
	for _, v := range x.open[c] {
		x.held -= len(v)
	}
	delete(x.open, c)
}

var contextPattern = regexp.MustCompile(`^svc-[0-9]{1,10}-x([0-9a-f]{8})[0-9a-f]{24}$`)

// Has reports whether a context is that of a request, under way or over.
func Has(kvContext string) bool { return contextPattern.MatchString(kvContext) }

// Get returns a value of a request that is under way, or api.ErrNotFound.
func (x *Exchange) Get(ctx context.Context, kvContext, name string) ([]byte, error) {
	if peer := x.peer(kvContext); peer != "" {
		return x.fetch(ctx, peer, kvContext, name)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	v, ok := x.open[kvContext][name]
	if !ok {
		return nil, api.ErrNotFound
	}
	return v, nil
}

// Put sets a value of a request. What comes for one that is over is forgotten.
func (x *Exchange) Put(ctx context.Context, kvContext, name string, value []byte) error {
	if peer := x.peer(kvContext); peer != "" {
		return x.deliver(ctx, peer, kvContext, name, value)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	values := x.open[kvContext]
	switch {
	case values == nil:
		return nil
	case len(values) >= maxValues && values[name] == nil:
		return fmt.Errorf("storing a value of a request: %w", ErrFull)
	case x.held+len(value)-len(values[name]) > maxHeld:
		return fmt.Errorf("storing a value of a request: %w", ErrFull)
	}
	x.held += len(value) - len(values[name])
	values[name] = value
	return nil
}

// maxValues bounds the values of one request.
const maxValues = 16

// peer is the gateway that has the context, "" if it is this one.
func (x *Exchange) peer(kvContext string) string {
	m := contextPattern.FindStringSubmatch(kvContext)
	if m == nil || m[1] == x.gateway {
		return ""
	}
	return m[1]
}
