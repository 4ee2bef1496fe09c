package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// ErrBroken means that the server will not write again: the first failure is final for its files.
var ErrBroken = errors.New("the store's files failed")

// Server is a NATS server on a folder, and what keeps that folder. It is safe for concurrent use.
type Server struct {
	dir   string
	mark  string // what is in the folder's mark
	known bool   // the mark was there: the store is not new
	log   *slog.Logger

	mu      sync.Mutex
	server  *server.Server  // nil while its files cannot be used
	unlock  func()          // of the folder
	failure error           // of the server's files
	relaxed map[string]bool // streams that Flush syncs
}

// Open starts a server on dir, which is made if it is missing. It fails where the folder is locked,
// is not one or has no space for a new store, where the server cannot use it, and when ctx has ended.
func Open(ctx context.Context, dir string, log *slog.Logger) (*Server, error) {
	s := &Server{dir: dir, log: log, relaxed: map[string]bool{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// A store that has its files is started on a full disk too, to be read and to say what it
	// lacks.
	if _, err := os.Stat(filepath.Join(dir, server.JetStreamStoreDir)); err != nil {
		if err := quota.AdmitFirst(dir); err != nil {
			return nil, err
		}
	}
	if err := s.readMark(); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Dir is the server's folder.
func (s *Server) Dir() string { return s.dir }

// Known reports whether the folder was a store's before Open.
func (s *Server) Known() bool { return s.known }

// Folder is where the server keeps a stream.
func (s *Server) Folder(stream string) string {
	return filepath.Join(s.dir, server.JetStreamStoreDir, "$G", "streams", stream)
}

// start locks the folder and starts a server on it.
func (s *Server) start(ctx context.Context) error {
	unlock, err := filelock.Try(filepath.Join(s.dir, "tccloud.lock"))
	if err != nil {
		return fmt.Errorf("starting the embedded server in %q: %w", s.dir, err)
	}
	ns, err := server.NewServer(&server.Options{
		ServerName: "tccloud",
		DontListen: true,
		JetStream:  true,
		StoreDir:   s.dir,
		SyncAlways: true,
		NoLog:      true,
		NoSigs:     true,
		// What is free when it starts is no measure of what may be kept: see package quota.
		JetStreamMaxStore: 1 << 50,
		// An order's record and a result travel as one message.
		MaxPayload: 4 << 20,
		MaxPending: 64 << 20,
	})
	if err != nil {
		unlock()
		return fmt.Errorf("starting the embedded server in %q: %w", s.dir, err)
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	ns.SetLoggerV2(logger{s.log, func(message string) {
		fail(errors.New(message))
		s.Fail(message)
	}}, false, false, false)
	ns.Start()
	if err := Await(ctx, ns, s.log); err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		unlock()
		return fmt.Errorf("starting the embedded server in %q: %w", s.dir, err)
	}
	s.mu.Lock()
	s.server, s.unlock, s.failure = ns, unlock, nil
	s.mu.Unlock()
	return nil
}

// Await waits until a server that was started is ready, which takes minutes where it has much to read, or
// returns why ctx ended.
func Await(ctx context.Context, ns *server.Server, log *slog.Logger) error {
	for said := time.Now(); !ns.ReadyForConnections(100 * time.Millisecond); {
		if ctx.Err() != nil {
			break
		}
		if time.Since(said) > time.Minute {
			said = time.Now()
			log.Warn("store server is not ready yet: it reads its files")
		}
	}
	return context.Cause(ctx)
}

// Close stops the server, so that none of its files is open, and unlocks the folder.
func (s *Server) Close() {
	s.mu.Lock()
	ns, unlock := s.server, s.unlock
	s.server = nil
	s.mu.Unlock()
	if ns != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		unlock()
	}
}

// InProcessConn implements nats.InProcessConnProvider: a client that connects again reaches
// whichever server runs now.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	ns := s.server
	s.mu.Unlock()
	if ns == nil {
		return nil, errors.New("the store is closed until its files can be written")
	}
	return ns.InProcessConn()
}

// Fail notes that one of the server's files failed.
func (s *Server) Fail(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = fmt.Errorf("%w: %s", ErrBroken, message)
	}
}

// Failure is why the server must be opened again, an error that wraps ErrBroken, or nil.
func (s *Server) Failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return nil
	}
	return s.failure
}
