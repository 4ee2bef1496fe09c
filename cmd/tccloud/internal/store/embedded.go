package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/disk/filelock"
)

// embed starts a server that nobody but this process can reach, and connects to it.
func (s *Store) embed(ctx context.Context, dir string) error {
	s.dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := enough(dir); err != nil {
		return err
	}
	if err := s.readMark(); err != nil {
		return err
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	var err error
	if s.conn, err = nats.Connect("", append(s.options(), nats.InProcessServer(s))...); err != nil {
		return fmt.Errorf("connecting to the embedded server: %w", err)
	}
	return nil
}

// load starts the server on the folder, which is this process's alone.
func (s *Store) load(ctx context.Context) error {
	release, err := filelock.Try(filepath.Join(s.dir, "tccloud.lock"))
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
		// What is free when it starts is no measure of what may be kept: see room.go.
		JetStreamMaxStore: 1 << 50,
		// An order's record and a result travel as one message.
		MaxPayload: 4 << 20,
		MaxPending: 64 << 20,
	})
	if err != nil {
		release()
		return fmt.Errorf("starting the embedded server in %q: %w", s.dir, err)
	}
	ns.SetLoggerV2(logger{s.log, s.fail}, false, false, false)
	ns.Start()
	switch {
	case !ns.ReadyForConnections(startTimeout):
		err = fmt.Errorf("not ready after %s", startTimeout)
	case !ns.JetStreamEnabled():
		err = errors.New("JetStream is not available")
	default:
		err = ctx.Err()
	}
	if err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		release()
		return fmt.Errorf("starting the embedded server in %q: %w", s.dir, err)
	}
	s.mu.Lock()
	s.embedded, s.release, s.failure = ns, release, nil
	s.mu.Unlock()
	return nil
}

// unload stops the server, so that none of its files is open.
func (s *Store) unload() {
	s.mu.Lock()
	ns, release := s.embedded, s.release
	s.embedded = nil
	s.mu.Unlock()
	if ns != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		release()
	}
}

// InProcessConn implements nats.InProcessConnProvider: the client connects
// again to whichever server there is.
func (s *Store) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	ns := s.embedded
	s.mu.Unlock()
	if ns == nil {
		return nil, errors.New("the store is closed until its files can be written")
	}
	return ns.InProcessConn()
}

// enough refuses a first start that could not make its files. One that
// finds them starts on a full disk too, to be read and to say what it lacks.
func enough(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, server.JetStreamStoreDir)); err == nil {
		return nil
	}
	if r, err := RoomAt(dir); err == nil && (r.Free < Need || r.Files > 0 && r.FreeFiles < 2*floorFiles) {
		return &TroubleError{
			What: fmt.Sprintf("a new store needs %s and %d files: %s", size(Need), 2*floorFiles, r),
			Try:  "make room there, or give --data a folder on another disk",
		}
	}
	return nil
}

// TroubleError is what an operator has to mend before the store opens.
type TroubleError struct{ What, Try string }

func (e *TroubleError) Error() string { return e.What }

// Hint is what to try.
func (e *TroubleError) Hint() string { return e.Try }

// logger passes on what somebody may have to act on.
type logger struct {
	log  *slog.Logger
	fail func(said string) // a file failed
}

func (l logger) Noticef(string, ...any) {}
func (l logger) Debugf(string, ...any)  {}
func (l logger) Tracef(string, ...any)  {}

func (l logger) Warnf(format string, args ...any) {
	l.log.Warn("store server warned", "err", errors.New(text(format, args)))
}

func (l logger) Errorf(format string, args ...any) {
	said := text(format, args)
	// It answers such a write with silence and says it here only.
	if strings.Contains(strings.ToLower(said), "critical write error") {
		l.fail(said)
	}
	l.log.Error("store server reported an error", "err", errors.New(said))
}

func (l logger) Fatalf(format string, args ...any) {
	l.log.Error("store server failed", "err", errors.New(text(format, args)))
}

func text(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
