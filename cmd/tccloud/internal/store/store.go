package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/embedded"
	"tcenvsvr/cmd/tccloud/internal/store/inventory"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// Config says where things are kept: in Dir or at URLs.
type Config struct {
	// Dir is the embedded server's folder. It is created if missing and belongs to one process at a
	// time.
	Dir string
	// URLs are an external cluster's client addresses, e.g. "nats://a:4222"; see CheckURL. They take
	// precedence over Dir.
	URLs []string
	// Login is how to log in there.
	Login Login
	// Replicas is the number of copies of each bucket and stream at URLs, 1–5. 0 = as many as there are;
	// where there is nothing yet, or one copy, 3 if the cluster has three nodes.
	Replicas int
	// AcceptLoss: Open succeeds without what the embedded store has lost since it was last open.
	// Otherwise it returns an inventory.LossError and changes nothing.
	AcceptLoss bool
	// Probed is told how long each write took that shows whether the store takes writes, and its error;
	// nil = nobody wants to know. It must not block.
	Probed func(took time.Duration, err error)
	// Logger gets the server's warnings; nil discards them.
	Logger *slog.Logger

	quiet time.Duration // see inventory.New; tests shorten it
}

// Store is an open connection to JetStream, and the server behind it where that is embedded. It is
// safe for concurrent use.
type Store struct {
	*retention.Pruner

	log      *slog.Logger
	probed   func(time.Duration, error)
	id       string // of this process
	conn     *nats.Conn
	js       jetstream.JetStream
	replicas int

	// Of an embedded server; nil with URLs.
	server    *embedded.Server
	inventory *inventory.Inventory
	fitter    *quota.Fitter

	mu      sync.Mutex
	health  Health
	durable time.Time                              // when the last write began that was durable
	made    map[string]func(context.Context) error // buckets and streams, by the stream's name
}

// Open starts or reaches JetStream. It fails if the folder cannot be used or has lost something, or
// if no server answers before ctx ends. A full disk is not an error, because it can be read; Health
// reports it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		log: log, probed: cfg.Probed, id: rand.Text(), replicas: 1, made: map[string]func(context.Context) error{},
	}
	if s.probed == nil {
		s.probed = func(time.Duration, error) {}
	}
	if err := s.open(ctx, cfg); err != nil {
		s.Close()
		return nil, fmt.Errorf("opening store: %w", err)
	}
	s.Prove(ctx)
	return s, nil
}

func (s *Store) open(ctx context.Context, cfg Config) error {
	var err error
	switch {
	case len(cfg.URLs) > 0:
		err = s.reach(ctx, cfg)
	case cfg.Dir != "":
		err = s.embed(ctx, cfg.Dir)
	default:
		err = errors.New("neither a folder nor addresses are given")
	}
	if err != nil {
		return err
	}
	if s.Embedded() {
		s.inventory = inventory.New(s.server, s.js, cfg.quiet, s.log)
		s.fitter = quota.NewFitter(cfg.Dir, s.js, s.log)
		err = s.inventory.Check(ctx, cfg.AcceptLoss)
	}
	s.Pruner = retention.New(s.js, s.inventory.Removing)
	return err
}

// embed starts a server that only this process can reach, and connects to it.
func (s *Store) embed(ctx context.Context, dir string) error {
	var err error
	if s.server, err = embedded.Open(ctx, dir, s.log); err != nil {
		return err
	}
	if s.conn, err = nats.Connect("", append(s.options(), nats.InProcessServer(s.server))...); err != nil {
		return fmt.Errorf("connecting to the embedded server: %w", err)
	}
	return s.jetstream(ctx)
}

// jetstream asks the connection for JetStream.
func (s *Store) jetstream(ctx context.Context) error {
	js, err := jetstream.New(s.conn)
	if err != nil {
		return err
	}
	s.js = bucket.NewPublisher(js, s.admit)
	if _, err := s.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("asking for JetStream: %w", err)
	}
	return nil
}

// options are those of every client connection: it is made again for ever, and what is published
// while there is none fails instead of waiting in memory, because callers must know what is
// durable.
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
			if s.Health().Err != nil { // package health logs that once; each consumer complains until then
				s.log.Debug("store connection reported a problem", "err", err)
				return
			}
			s.log.Warn("store connection reported a problem", "err", err)
		}),
	}
}

// Close ends the connection and the embedded server. Everything that was acknowledged before is on
// disk.
func (s *Store) Close() {
	if s.inventory != nil {
		s.inventory.Close()
	}
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Close()
	}
}

// JS is the JetStream interface.
func (s *Store) JS() jetstream.JetStream { return s.js }

// Conn is the plain NATS connection, for messages between gateways.
func (s *Store) Conn() *nats.Conn { return s.conn }

// Embedded reports whether the server runs in this process.
func (s *Store) Embedded() bool { return s.server != nil }

// Share is one of parts equal parts of the embedded store's disk, in bytes, and never more than
// most. It is most where the disk is not ours.
func (s *Store) Share(parts uint64, most int64) int64 {
	if !s.Embedded() {
		return most
	}
	return quota.Share(s.server.Dir(), parts, most)
}

// admit refuses a write that could meet the end of the disk. Where the disk is not ours, the write
// will.
func (s *Store) admit() error {
	if !s.Embedded() {
		return nil
	}
	return quota.Admit(s.server.Dir())
}
