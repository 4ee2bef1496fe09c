package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startTimeout bounds how long an embedded server may take to recover its files.
const startTimeout = 60 * time.Second

// Config says where things are kept: Dir or URLs, one of the two.
type Config struct {
	// Dir is the embedded server's folder. It is created if missing and
	// belongs to one process at a time.
	Dir string
	// URLs are an external cluster's client addresses, e.g.
	// "nats://user:password@a:4222". They take precedence over Dir.
	URLs []string
	// Replicas is the number of copies of each bucket and stream: 0 = 3
	// where the cluster has three nodes, else 1.
	Replicas int
	// AcceptLoss goes on without what the embedded store has lost since it was
	// last open. Otherwise Open refuses, and touches nothing.
	AcceptLoss bool
	quiet      time.Duration // of tests
	// Logger gets the server's warnings; nil discards them.
	Logger *slog.Logger
}

// Store is an open connection to JetStream, and the server behind it
// where that is embedded. It is safe for concurrent use.
type Store struct {
	trust    func() bool // see Trust
	log      *slog.Logger
	id       string // of this process
	dir      string // of the embedded server; "" with URLs
	mark     string // what is in dir's mark
	known    bool   // the mark was there: the store is not new
	conn     *nats.Conn
	js       jetstream.JetStream
	replicas int

	quiet   time.Duration // see longQuiet
	checked bool          // what it holds was compared with the inventory

	noting sync.Mutex  // held by who writes the inventory
	noted  inventory   // as it was written last
	unsaid atomic.Bool // it could not be written: that was said

	mu       sync.Mutex
	embedded *server.Server // nil with URLs, and while its files cannot be used
	release  func()         // of the lock on dir
	failure  error          // of the embedded server's files
	health   Health
	made     map[string]func(context.Context) error // buckets and streams
	relaxed  map[string]bool                        // streams that are synced by flush
	proved   time.Time                              // when the last write began that was durable
	leaving  map[string]uint64                      // messages of streams that are being removed
	limits   map[string]jetstream.StreamConfig      // of streams that shrink with the disk
}

// Open starts or reaches JetStream. It fails where the folder cannot be
// used or no server answers before ctx ends.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		log: log, id: rand.Text(), replicas: 1, made: map[string]func(context.Context) error{}, relaxed: map[string]bool{},
		quiet: cmp.Or(cfg.quiet, longQuiet), health: Health{errUnproven, time.Now()}, proved: time.Now(),
	}
	var err error
	switch {
	case len(cfg.URLs) > 0:
		err = s.reach(cfg)
	case cfg.Dir != "":
		err = s.embed(ctx, cfg.Dir)
	default:
		err = errors.New("neither a folder nor addresses are given")
	}
	if err == nil {
		err = s.probe(ctx)
	}
	if err == nil && s.embedded != nil {
		err = s.check(ctx, cfg.AcceptLoss)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("opening store: %w", err)
	}
	began := time.Now()
	_, err = s.probeWrite(ctx, nil)
	s.note(began, err) // a full disk is no reason not to open: it can be read
	return s, nil
}

// reach connects to an external cluster.
func (s *Store) reach(cfg Config) error {
	var err error
	if s.conn, err = nats.Connect(strings.Join(cfg.URLs, ","), s.options()...); err != nil {
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	s.replicas = cfg.Replicas
	if s.replicas == 0 {
		s.replicas = 1
		if s.conn.ConnectedClusterName() != "" && len(s.conn.Servers()) >= 3 {
			s.replicas = 3
		}
	}
	return nil
}

// options are those of every client connection: it comes back for ever,
// and what is published while it is away fails instead of waiting in
// memory, because callers must know what is durable.
func (s *Store) options() []nats.Option {
	return []nats.Option{
		nats.Name("tccloud"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				s.log.Warn("store connection lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { s.log.Info("store connection restored") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if s.Health().Err != nil { // which says it once; each consumer complains until then
				s.log.Debug("store connection reported a problem", "err", err)
				return
			}
			s.log.Warn("store connection reported a problem", "err", err)
		}),
	}
}

// probe makes sure that JetStream answers.
func (s *Store) probe(ctx context.Context) error {
	js, err := jetstream.New(s.conn)
	if err != nil {
		return err
	}
	s.js = streams{js, s.admit}
	if _, err := s.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("asking for JetStream: %w", err)
	}
	return nil
}

// Close ends the connection and the embedded server. Everything that was
// acknowledged before is on disk.
func (s *Store) Close() {
	if s.checked {
		s.write(true)
	}
	if s.conn != nil {
		s.conn.Close()
	}
	s.unload()
}

// JS is the JetStream interface.
func (s *Store) JS() jetstream.JetStream { return s.js }

// Conn is the plain NATS connection, for messages between gateways.
func (s *Store) Conn() *nats.Conn { return s.conn }

// Embedded reports whether the server runs in this process.
func (s *Store) Embedded() bool { return s.dir != "" }
