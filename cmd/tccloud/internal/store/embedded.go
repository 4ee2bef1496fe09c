package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// embed starts a server that nobody but this process can reach.
func (s *Store) embed(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	ns, err := server.NewServer(&server.Options{
		ServerName: "tccloud",
		DontListen: true,
		JetStream:  true,
		StoreDir:   dir,
		SyncAlways: true,
		NoLog:      true,
		NoSigs:     true,
		// An order's record and a result travel as one message.
		MaxPayload: 4 << 20,
		MaxPending: 64 << 20,
	})
	if err != nil {
		return fmt.Errorf("starting the embedded server in %q: %w", dir, err)
	}
	ns.SetLoggerV2(logger{s.log}, false, false, false)
	ns.Start()
	s.embedded = ns
	if !ns.ReadyForConnections(startTimeout) {
		return fmt.Errorf("starting the embedded server in %q: not ready after %s", dir, startTimeout)
	}
	if !ns.JetStreamEnabled() {
		return fmt.Errorf("starting the embedded server in %q: JetStream is not available", dir)
	}
	if s.conn, err = nats.Connect("", append(s.options(), nats.InProcessServer(ns))...); err != nil {
		return fmt.Errorf("connecting to the embedded server: %w", err)
	}
	return nil
}

// logger passes on what somebody may have to act on.
type logger struct{ log *slog.Logger }

func (l logger) Noticef(string, ...any) {}
func (l logger) Debugf(string, ...any)  {}
func (l logger) Tracef(string, ...any)  {}

func (l logger) Warnf(format string, args ...any) {
	l.log.Warn("store server warned", "err", errors.New(text(format, args)))
}

func (l logger) Errorf(format string, args ...any) {
	l.log.Error("store server reported an error", "err", errors.New(text(format, args)))
}

func (l logger) Fatalf(format string, args ...any) {
	l.log.Error("store server failed", "err", errors.New(text(format, args)))
}

func text(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
