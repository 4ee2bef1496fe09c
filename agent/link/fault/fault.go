package fault

import (
	"fmt"
	"log/slog"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
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
	Message string    `json:"message"` // what happened: one plain line without secrets, ≤ 600 bytes
	Hint    string    `json:"hint"`    // what to try
	At      time.Time `json:"at"`

	err error
}

// Error implements error.
func (f *Fault) Error() string { return fmt.Sprintf("%s: %s", f.Code, f.Message) }

// Unwrap returns the error that was classified.
func (f *Fault) Unwrap() error { return f.err }

// Clock reports whether setting a clock, here or in the cloud, may end the failure.
func (f *Fault) Clock() bool {
	return f.Code == "tls.expired" || f.Code == "hello."+Code(wire.CodeClock)
}

// LogValue shows a fault's parts in logs.
func (f *Fault) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("step", string(f.Step)), slog.String("code", string(f.Code)),
		slog.String("message", f.Message), slog.String("hint", f.Hint))
}

// maxMessage bounds a Message in bytes.
const maxMessage = 600

// New makes a fault from a row of the table. err may be nil.
func New(step Step, code Code, err error, format string, args ...any) *Fault {
	return &Fault{
		Step: step, Code: code, Message: plain.Head(plain.Line(fmt.Sprintf(format, args...)), maxMessage),
		Hint: Hint(code), At: time.Now(), err: err,
	}
}
