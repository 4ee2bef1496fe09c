package v1

import (
	"encoding/json"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/platform"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/requests"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
)

// Prefix of all paths.
const Prefix = "/api/admin/v1/"

// Error codes.
const (
	CodeUnauthorized = "unauthorized"
	CodeForbidden    = "forbidden" // the role, or the Environments, of who asks do not allow it
	CodeBusy         = "busy"      // too much at once: try again
	CodeBadRequest   = "bad_request"
	CodeNotFound     = "not_found"
	CodeExists       = "exists"
	CodeChanged      = "changed" // another order would be made now than was drafted
	CodeInUse        = "in_use"
	CodeEnded        = "ended"
	CodeTooLarge     = "too_large"
	CodeInvalidApp   = "invalid_app"
	CodeBadSignature = "bad_signature"
	CodeNoPackage    = "no_package"
	CodeInactive     = "environment_inactive"
	CodeNoIntake     = "no_intake"   // nothing new is accepted, see Status.Health
	CodeUnwell       = "unwell"      // the cloud cannot store anything
	CodeAway         = "server_away" // it is not connected
	CodeInternal     = "internal"
)

// Error is a failure. It implements error.
type Error struct {
	Status  int    `json:"-"` // HTTP
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to try
}

func (e *Error) Error() string { return e.Message }

// Try adds a hint.
func (e *Error) Try(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Failure is the body of an answer that failed.
type Failure struct {
	Error *Error `json:"error"`
}

// Status describes the cloud.
type Status struct {
	Version      string    `json:"version"`
	Started      time.Time `json:"started"`
	APIURL       string    `json:"api_url"`
	BrokerHost   string    `json:"broker_host"`
	Environments int       `json:"environments"`
	Servers      int       `json:"servers"`
	Connected    *int      `json:"connected"` // null: the other gateways do not answer
	// Health is the result of the cloud's checks.
	Health      health.Report `json:"health"`
	TakingNone  int           `json:"taking_no_orders"` // connected servers whose host cannot run Apps now
	Cloned      int           `json:"cloned"`           // servers that run on several hosts
	ClocksApart int           `json:"clocks_apart"`     // connected servers whose clock is more than a minute off the cloud's
	Time        time.Time     `json:"time"`             // by the cloud's clock
}

// NewEnvironment asks for one.
type NewEnvironment struct {
	Name  string `json:"name"`
	Owner string `json:"owner,omitempty"`
}

// ChangeEnvironment changes the fields that are not nil.
type ChangeEnvironment struct {
	Active *bool `json:"active,omitempty"`
}

// Environment is an Environment with its figures.
type Environment struct {
	registry.Environment
	Servers     int     `json:"servers"`
	Connected   int     `json:"connected"`
	Queued      int     `json:"queued"`
	Running     int     `json:"running"`
	Today       int     `json:"executions_today"`
	Week        int     `json:"executions_7_days"`
	Month       int     `json:"executions_30_days"`
	QueueWaitMS float64 `json:"queue_wait_ms"`
}

// Hour is what happened in an Environment in one hour. Means are 0 where there is nothing to count.
type Hour struct {
	From        time.Time `json:"from"`
	Created     int       `json:"executions"`
	Messages    int       `json:"messages"` // orders given to servers
	Ended       int       `json:"ended"`
	Failed      int       `json:"failed"`        // of them, otherwise than succeeded or partial
	QueueWaitMS float64   `json:"queue_wait_ms"` // mean, until an order was given to a server
	RoundTripMS float64   `json:"round_trip_ms"` // mean, from there until the server had it
}

// NewBundle asks for a bundle.
type NewBundle struct {
	Kind   string         `json:"kind"`             // all, env or server; "" is all, without a package where there is none
	Name   string         `json:"name,omitempty"`   // of the server
	Server wire.ServerXID `json:"server,omitempty"` // re-issue for this one
	packages.Wanted
	// ValidSeconds is how long a link to it is good, 0 = an hour.
	ValidSeconds int64 `json:"valid_seconds,omitempty"`
}

// Made describes a bundle.
type Made struct {
	Server  wire.ServerXID `json:"server,omitempty"`  // empty for a package alone
	Package string         `json:"package,omitempty"` // that is in it
}

// Headers of an answer that is a bundle.
const (
	HeaderServer  = "Server-Xid"
	HeaderPackage = "Package-File"
)

// Link gives one bundle, once.
type Link struct {
	URL     string    `json:"url"` // with the pin of the cloud's CA; a secret
	Expires time.Time `json:"expires"`
}

// Server is a server with its session, if it is connected.
type Server struct {
	registry.Server
	Session *Session `json:"session,omitempty"`
}

// Statement is a server's statement of its sealing key.
type Statement = registry.Statement

// ChangeServer gives a server another name.
type ChangeServer struct {
	Name string `json:"name"`
}

// DrainServer has a server take no new orders.
type DrainServer struct {
	Owner   string `json:"owner,omitempty"` // whom to ask about it
	Reason  string `json:"reason,omitempty"`
	Seconds int64  `json:"seconds,omitempty"` // 0 = until it is resumed
}

// ControlServer asks a connected server for one thing.
type ControlServer struct {
	Action wire.Action `json:"action"`          // restart, log_level or update
	Level  string      `json:"level,omitempty"` // of its log: debug, info, warn or error
}

// RevokeAway revokes servers that have been away for long.
type RevokeAway struct {
	Servers []wire.ServerXID `json:"servers"`      // up to MaxRevoked
	Seconds int64            `json:"away_seconds"` // each that is away for less, or connected, is kept
}

// MaxRevoked is how many servers one request revokes.
const MaxRevoked = 1000

// RevokedAway is what became of the servers.
type RevokedAway struct {
	Revoked []Server        `json:"revoked"`
	Kept    []registry.Kept `json:"kept"`
}

// KeepHost chooses one of the hosts that run as one server.
type KeepHost struct {
	Host string `json:"host"` // an id of Server.Twin, or a prefix that only one has
}

// Session is a server's connection.
type Session struct {
	Host       string     `json:"host"` // its id, as in Server.Twin
	Version    string     `json:"version"`
	OS         string     `json:"os"`
	Arch       string     `json:"arch"`
	Epoch      int64      `json:"epoch"`
	Gateway    string     `json:"gateway"`
	RemoteAddr string     `json:"remote_addr"`
	Transport  string     `json:"transport"` // tls or websocket
	Connected  time.Time  `json:"connected"`
	RTTMS      float64    `json:"rtt_ms"`
	SkewMS     int64      `json:"skew_ms"` // the server's clock minus the cloud's
	Executors  int        `json:"executors"`
	Credit     int        `json:"credit"`
	Info       *wire.Info `json:"info,omitempty"`
	InfoAt     time.Time  `json:"info_at,omitzero"`
}

// App is one version of an App in the catalog.
type App = catalog.App

// HeaderAppSignature of a package that is uploaded is its signature's text (agent/app/signature), in
// base64.
const HeaderAppSignature = "App-Signature"

// Variable names a runtime variable.
type Variable = appstore.Variable

// Content is what a runtime variable holds.
type Content struct {
	Data string `json:"data"`
}

// NewExecution asks for a run.
type NewExecution struct {
	ID           wire.OrderID      `json:"id,omitempty"` // never used before, a random UUID; without it the cloud makes one
	Environment  string            `json:"environment"`
	Server       wire.ServerXID    `json:"server,omitempty"` // the only one that may take it
	App          string            `json:"app"`
	Version      string            `json:"version,omitempty"` // newest
	Params       map[string]string `json:"params,omitempty"`
	OutVariables []string          `json:"out_variables,omitempty"` // all that the App declares
	KV           map[string]string `json:"kv,omitempty"`            // Playbook variables set before the start, JSON text each
	TimeoutMS    int64             `json:"timeout_ms,omitempty"`
	Priority     *int              `json:"priority,omitempty"` // 5
	Retryable    bool              `json:"retryable,omitempty"`
	Limits       wire.Limits       `json:"limits,omitzero"`      // what the App may take, where that is less than the server's settings say
	KVContext    string            `json:"kv_context,omitempty"` // of the draft
	Draft        wire.SHA256       `json:"draft,omitempty"`      // Draft.SHA256: refused with CodeChanged if another order would be made now
	Signature    string            `json:"signature,omitempty"`  // agent/link/signed, over Draft.Order; with ID and Draft
}

// Draft is the order that a request makes, for its submitter to sign. Submit the same request with
// ID, KVContext and Draft of it, and the signature.
type Draft struct {
	Environment string      `json:"environment"`
	Order       *wire.Order `json:"order"` // with its parameters; attempt 1, without what differs for each delivery
	SHA256      wire.SHA256 `json:"sha256"`
}

// HeaderNext of a list of executions is the cursor that continues it; there is none at its end. A
// list may be continued although it is shorter than its limit, or empty: how many executions are
// looked at for one answer is bounded.
const HeaderNext = "List-Next"

// Cancel has the reason, for people.
type Cancel struct {
	Reason string `json:"reason,omitempty"`
}

// Execution is an order and its result. It names the parameters as long as the cloud has them, and
// never shows their values.
type Execution struct {
	ID          wire.OrderID   `json:"id"`
	Environment string         `json:"environment"`
	App         wire.AppRef    `json:"app"`
	Runtime     wire.Runtime   `json:"runtime"`
	State       wire.State     `json:"state"`
	Ended       bool           `json:"ended"`
	Attempt     wire.Attempt   `json:"attempt"`
	Server      wire.ServerXID `json:"server,omitempty"`
	ServerName  string         `json:"server_name,omitempty"`
	Priority    int            `json:"priority"`
	Retryable   bool           `json:"retryable"`
	TimeoutMS   int64          `json:"timeout_ms"`
	Limits      wire.Limits    `json:"limits,omitzero"`       // of the order; the server's own hold where they are lower
	Params      []string       `json:"params,omitempty"`      // names
	Only        wire.ServerXID `json:"only,omitempty"`        // the one server that may take it
	SealedTo    []string       `json:"sealed_to,omitempty"`   // names of the servers that open its sealed parameters
	Waits       string         `json:"waits,omitempty"`       // what a queued order with sealed parameters waits for
	SignedBy    string         `json:"signed_by,omitempty"`   // the id of the key in the order's signature, which the cloud has not verified
	SignedUntil time.Time      `json:"signed_until,omitzero"` // the App is not started later

	Created   time.Time `json:"created"`
	Delivered time.Time `json:"delivered,omitzero"`
	Accepted  time.Time `json:"accepted,omitzero"`
	Started   time.Time `json:"started,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`

	ExitCode  *int                            `json:"exit_code,omitempty"`
	Signal    string                          `json:"signal,omitempty"`
	Message   string                          `json:"message,omitempty"` // message.tc
	Error     string                          `json:"error,omitempty"`   // a code, why the agent could not run it
	Reason    string                          `json:"reason,omitempty"`  // why the cloud ended or moved it
	Results   map[string]string               `json:"results,omitempty"` // results.tc
	Files     []wire.File                     `json:"files,omitempty"`
	Output    map[wire.Stream]wire.OutputSize `json:"output,omitempty"`
	PrepareUS int64                           `json:"prepare_us,omitempty"` // arrival at the server → App executed, µs
	RunMS     int64                           `json:"run_ms,omitempty"`
	History   []Past                          `json:"history,omitempty"`
}

// Past is an attempt before the current one.
type Past struct {
	Attempt wire.Attempt   `json:"attempt"`
	Server  wire.ServerXID `json:"server,omitempty"`
	State   wire.State     `json:"state"`
	Ended   time.Time      `json:"ended"`
	Reason  string         `json:"reason"`
}

// Artifact is what the App of an execution handed to the platform.
type Artifact = artifact.Artifact

// Request is one that was passed on to the platform.
type Request = requests.Request

// Metric is what an App counts in an Environment.
type Metric = platform.Metric

// Outputs are Playbook variables as the App wrote them: the JSON, or a JSON string of text that is
// not JSON.
type Outputs map[string]json.RawMessage

// Chunk is a piece of a log stream; the pieces follow each other.
type Chunk struct {
	Attempt wire.Attempt `json:"attempt"`
	Stream  wire.Stream  `json:"stream"` // stdout, stderr, app, or api: what the App sent over the API
	Offset  int64        `json:"offset"`
	Data    []byte       `json:"data"` // base64
}

// StreamAPI is the log that an App sends over the API (tc_log_to_api).
const StreamAPI wire.Stream = "api"

// Line is one line of a stream. Without any field it only shows that the connection is alive.
type Line struct {
	Execution *Execution `json:"execution,omitempty"`
	Chunk     *Chunk     `json:"chunk,omitempty"`
	Error     *Error     `json:"error,omitempty"`
}
