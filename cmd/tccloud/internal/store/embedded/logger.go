package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// NewLogger returns the log of a NATS server: its warnings and errors. fail is called when one of its files
// failed.
func NewLogger(log *slog.Logger, fail func(message string)) server.Logger { return logger{log, fail} }

// logger passes on the server's warnings and errors, and drops the rest.
type logger struct {
	log  *slog.Logger
	fail func(message string) // is called when a file failed
}

func (l logger) Noticef(string, ...any) {}
func (l logger) Debugf(string, ...any)  {}
func (l logger) Tracef(string, ...any)  {}

func (l logger) Warnf(format string, args ...any) {
	l.log.Warn("store server warned", "err", errors.New(text(format, args)))
}

func (l logger) Errorf(format string, args ...any) {
	message := text(format, args)
	// The server does not answer such a write; only this message tells of it.
	if strings.Contains(strings.ToLower(message), "critical write error") {
		l.fail(message)
	}
	l.log.Error("store server reported an error", "err", errors.New(message))
}

func (l logger) Fatalf(format string, args ...any) {
	message := text(format, args)
	l.log.Error("store server failed", "err", errors.New(message))
	l.fail(message)
}

func text(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
