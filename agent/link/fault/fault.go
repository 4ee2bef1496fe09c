package fault

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"tcenvsvr/agent/link/wire"
)

// Step says how far a connection came.
type Step string

// The steps, in order.
const (
	DNS       Step = "dns"
	TCP       Step = "tcp"
	Proxy     Step = "proxy"
	TLS       Step = "tls"
	WebSocket Step = "websocket"
	Hello     Step = "hello"
	Session   Step = "session"
)

// Code names a kind of failure: "tls.expired", "hello.revoked", ….
type Code string

// Fault is one failure, ready to be shown. It is an error.
type Fault struct {
	Step    Step      `json:"step"`
	Code    Code      `json:"code"`
	Message string    `json:"message"` // what happened, printable, without secrets
	Hint    string    `json:"hint"`    // what to try
	At      time.Time `json:"at"`

	err error
}

// Error implements error.
func (f *Fault) Error() string { return fmt.Sprintf("%s: %s", f.Code, f.Message) }

// Unwrap returns the error that was classified.
func (f *Fault) Unwrap() error { return f.err }

// Clock reports whether it may end when a clock is set, here or in the cloud.
func (f *Fault) Clock() bool {
	return f.Code == "tls.expired" || f.Code == "hello."+Code(wire.CodeClock)
}

// LogValue shows a fault's parts in logs.
func (f *Fault) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("step", string(f.Step)), slog.String("code", string(f.Code)),
		slog.String("message", f.Message), slog.String("hint", f.Hint))
}

// New makes a fault from a row of the table. err may be nil.
func New(step Step, code Code, err error, format string, args ...any) *Fault {
	return &Fault{
		Step: step, Code: code, Message: Printable(fmt.Sprintf(format, args...)),
		Hint: Hint(code), At: time.Now(), err: err,
	}
}

// Printable makes foreign words safe for a terminal and a log: without
// control characters and at most 600 bytes long.
func Printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > 600 {
		s = strings.ToValidUTF8(s[:600], "") + "…"
	}
	return s
}
