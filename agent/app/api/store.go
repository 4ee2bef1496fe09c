package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Errors a Store answers with; anything else becomes 500 and is logged.
var (
	// ErrToken: the token is unknown, revoked or expired (401).
	ErrToken = errors.New("token is unknown or expired")
	// ErrNotFound: the variable does not exist (null for a Playbook variable, 404 for a runtime
	// variable).
	ErrNotFound = errors.New("not found")
	// ErrTooLarge: the value is larger than the store takes (413).
	ErrTooLarge = errors.New("value is too large")
)

// Session is what a token stands for: one execution of one App.
type Session struct {
	ID      string    // of the execution, as its Store names it
	Context string    // tc_playbook_kvstore_context; empty where the App is no Playbook App
	Expires time.Time // of the token; for display only, the Store enforces it
	// Service is the number of a service App, 0 for others. It opens contexts that it names itself, one
	// for each event and request; see ServiceContext.
	Service int64
}

// ServiceContext is the key-value context that a service means by a name of its own: no service opens
// those of another, or of a Playbook App that it did not start. It has at most 48 bytes, and nothing
// in it is special in a URL.
func ServiceContext(service int64, name string) string {
	if len(name) > 36 || !plainName.MatchString(name) {
		sum := sha256.Sum256([]byte(name))
		name = hex.EncodeToString(sum[:16])
	}
	return fmt.Sprintf("svc-%d-%s", service, name)
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// Tokens knows the API tokens of running Apps.
type Tokens interface {
	// Session returns what token stands for, or ErrToken.
	Session(ctx context.Context, token string) (Session, error)
	// Renew exchanges token for a fresh one. The old one may have expired while its execution goes
	// on; once the execution has ended it is ErrToken. The old token stays valid until its own
	// expiry: an App may have requests on the way.
	Renew(ctx context.Context, token string) (fresh string, expires time.Time, err error)
}

// KeyValue holds the variables of Playbook sessions. Values are bytes as the App wrote them,
// usually JSON text.
type KeyValue interface {
	// Get returns the value or ErrNotFound.
	Get(ctx context.Context, kvContext, key string) ([]byte, error)
	// Put sets the value; an empty one is a value too. The slice is the store's to keep.
	Put(ctx context.Context, kvContext, key string, value []byte) error
}

// Runs knows the other data of an execution.
type Runs interface {
	// Params returns the App's inputs, clear (feature secureParams).
	Params(ctx context.Context, s Session) (map[string]string, error)
	// Variable returns the content of a &{source:TYPE:id} variable the execution may read (feature
	// runtimeVariables), or ErrNotFound. Files are base64.
	Variable(ctx context.Context, s Session, source, id string) (string, error)
	// AppendLog keeps what the App logged.
	AppendLog(ctx context.Context, s Session, entries []LogEntry) error
}

// Store is everything a Handler needs; Memory is one.
type Store interface {
	Tokens
	KeyValue
	Runs
}

// LogEntry is one line of an App's log (tc_log_to_api).
type LogEntry struct {
	TimestampMS int64  `json:"timestamp"` // milliseconds since 1970
	Level       string `json:"level"`
	Message     string `json:"message"`
}
