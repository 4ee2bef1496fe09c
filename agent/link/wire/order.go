package wire

import (
	"fmt"
	"strings"
	"time"
)

// Kinds of the life of an order.
const (
	KindOrder     Kind = "order"
	KindAccepted  Kind = "accepted"
	KindRefused   Kind = "refused"
	KindReady     Kind = "ready"
	KindStart     Kind = "start"
	KindProgress  Kind = "progress"
	KindLog       Kind = "log"
	KindResult    Kind = "result"
	KindResultAck Kind = "result_ack"
	KindCancel    Kind = "cancel"
	KindRecall    Kind = "recall"
	KindRecalled  Kind = "recalled"
)

// State is where an order is in its life (see the package's diagram).
type State string

// States before the outcome, in order.
const (
	StateQueued    State = "queued"
	StateDelivered State = "delivered"
	StateAccepted  State = "accepted"
	StatePreparing State = "preparing"
	StateRunning   State = "running"
)

// Outcome is how an order ended; it is the final State as well.
type Outcome string

// The outcomes.
const (
	Succeeded   Outcome = "succeeded"   // exit 0
	Partial     Outcome = "partial"     // exit 3 of a job App
	Failed      Outcome = "failed"      // any other exit, or the App could not be prepared
	Cancelled   Outcome = "cancelled"   // a Cancel was obeyed
	TimedOut    Outcome = "timed_out"   // Order.TimeoutMS passed
	Interrupted Outcome = "interrupted" // what became of it cannot be known
	Rejected    Outcome = "rejected"    // never started: the order or the App is not acceptable
)

// Valid reports whether o is one of the outcomes.
func (o Outcome) Valid() bool {
	switch o {
	case Succeeded, Partial, Failed, Cancelled, TimedOut, Interrupted, Rejected:
		return true
	}
	return false
}

// Runtime is what kind of App an order runs; it selects which tc_* parameters the App gets.
type Runtime string

// The runtimes. Those of services are in service.go.
const (
	RuntimeJob      Runtime = "job"      // runtimeLevel Organization
	RuntimePlaybook Runtime = "playbook" // runtimeLevel Playbook
)

func (r Runtime) valid() bool { return r == RuntimeJob || r == RuntimePlaybook || r.Service() }

// Order asks for one run of one App. Everything secret in it (Params, Token) stays out of logs; the
// type has no String method on purpose, and LogValue of its parts shows none of it.
type Order struct {
	Ref
	Runtime Runtime `json:"runtime"`
	App     AppRef  `json:"app"`
	// Params are the App's own inputs, clear. A JSON string each.
	Params map[string]string `json:"params,omitempty"`
	// ParamsByHTTPS says that Params are too large for a frame: fetch them from the API (see the
	// HTTPS part of the package documentation).
	ParamsByHTTPS bool `json:"params_by_https,omitempty"`
	// Token is the App's own API token (tc_token), valid for TokenTTLMS from delivery; the agent
	// computes tc_token_expires by the host's clock.
	Token      string `json:"token,omitempty"`
	TokenTTLMS int64  `json:"token_ttl_ms,omitempty"`
	// KVContext and OutVariables are tc_playbook_kvstore_context and tc_playbook_out_variables of a
	// Playbook App.
	KVContext    string   `json:"kv_context,omitempty"`
	OutVariables []string `json:"out_variables,omitempty"`
	// Defaults are further tc_* and api_* parameters the cloud sets (tc_user_id, api_default_org,
	// tc_log_level …). The agent's own win.
	Defaults map[string]string `json:"defaults,omitempty"`

	// Service is what a service App is told of itself; nil for any other.
	Service *ServiceSpec `json:"service,omitempty"`

	// TimeoutMS bounds the App's run: 1 000–604 800 000 (7 days); 0, for services only, is no bound.
	TimeoutMS     int64 `json:"timeout_ms"`
	StartWithinMS int64 `json:"start_within_ms"` // rejected if not started so long after delivery; 0 = no limit
	Priority      int   `json:"priority"`        // 0 (last)–9 (first), 5 is usual
	Retryable     bool  `json:"retryable"`       // may run again after Interrupted
	// Limits are of this order, below those of the host; its own hold where they are lower.
	Limits Limits `json:"limits,omitzero"`
	// Signature is that of the operator who submitted the order (package link/signed), "" if there
	// is none: the cloud passes it on and need not understand it. At most MaxSignature bytes.
	Signature string `json:"signature,omitempty"`
}

// Limits bound all processes of an App together, where the host can do that; 0 = what the host
// allows.
type Limits struct {
	MemoryMB  int64 `json:"memory_mb,omitempty"`  // MiB, 16–16 777 216
	Tasks     int64 `json:"tasks,omitempty"`      // processes and threads, 8–4 194 304
	CPUWeight int64 `json:"cpu_weight,omitempty"` // against other Apps, 1–10 000; 100 is usual
}

// String names the limits for people, "" if there are none: "memory 512 MiB, 200 tasks, CPU weight 50".
func (l Limits) String() string {
	var words []string
	if l.MemoryMB != 0 {
		words = append(words, fmt.Sprintf("memory %d MiB", l.MemoryMB))
	}
	if l.Tasks != 0 {
		words = append(words, fmt.Sprintf("%d tasks", l.Tasks))
	}
	if l.CPUWeight != 0 {
		words = append(words, fmt.Sprintf("CPU weight %d", l.CPUWeight))
	}
	return strings.Join(words, ", ")
}

func (l Limits) validate() error {
	for _, f := range []struct {
		name           string
		n, least, most int64
	}{
		{"memory_mb", l.MemoryMB, MinMemoryMB, MaxMemoryMB},
		{"tasks", l.Tasks, MinTasks, MaxTasks},
		{"cpu_weight", l.CPUWeight, 1, MaxCPUWeight},
	} {
		if f.n != 0 && (f.n < f.least || f.n > f.most) {
			return fmt.Errorf("%w: limits.%s %d is outside %d–%d", ErrInvalid, f.name, f.n, f.least, f.most)
		}
	}
	return nil
}

// Bounds of [Limits]. Below the least ones no interpreter starts.
const (
	MinMemoryMB  = 16
	MaxMemoryMB  = 1 << 24
	MinTasks     = 8
	MaxTasks     = 1 << 22
	MaxCPUWeight = 10_000
)

// AppRef names one version of one App by content.
type AppRef struct {
	Name    string `json:"name"`    // the package's top folder without _v…, ≤ 128 bytes
	Version string `json:"version"` // programVersion, for people
	Size    int64  `json:"size"`    // bytes of the .tcx
	SHA256  SHA256 `json:"sha256"`  // of the .tcx
}

// MaxSignature is the longest [Order.Signature] in bytes.
const MaxSignature = 1024

// MaxAppSize is the largest .tcx in bytes.
const MaxAppSize = 1 << 30

// maxAheadMS bounds the durations in an order: ten years, well below what a time.Duration holds.
const maxAheadMS = 10 * 365 * 24 * 3_600_000

// Timeout is TimeoutMS as a duration.
func (m *Order) Timeout() time.Duration { return time.Duration(m.TimeoutMS) * time.Millisecond }

// Kind implements Message.
func (*Order) Kind() Kind { return KindOrder }

func (m *Order) validate() error {
	if err := m.Ref.validate(); err != nil {
		return err
	}
	switch {
	case !m.Runtime.valid():
		return fmt.Errorf("%w: runtime %.40q", ErrInvalid, string(m.Runtime))
	case m.App.Name == "" || len(m.App.Name) > 128 || len(m.App.Version) > 64:
		return fmt.Errorf("%w: app name or version is empty or too long", ErrInvalid)
	case !m.App.SHA256.Valid():
		return fmt.Errorf("%w: app sha256 %.70q", ErrInvalid, string(m.App.SHA256))
	case m.App.Size < 1 || m.App.Size > MaxAppSize:
		return fmt.Errorf("%w: app size %d is outside 1–%d", ErrInvalid, m.App.Size, MaxAppSize)
	case m.TimeoutMS == 0 && m.Runtime.Service():
	case m.TimeoutMS < 1000 || m.TimeoutMS > 7*24*3_600_000:
		return fmt.Errorf("%w: timeout_ms %d is outside 1000–604800000", ErrInvalid, m.TimeoutMS)
	case m.StartWithinMS < 0 || m.StartWithinMS > maxAheadMS:
		return fmt.Errorf("%w: start_within_ms %d is outside 0–%d", ErrInvalid, m.StartWithinMS, int64(maxAheadMS))
	case m.TokenTTLMS < 0 || m.TokenTTLMS > maxAheadMS:
		return fmt.Errorf("%w: token_ttl_ms %d is outside 0–%d", ErrInvalid, m.TokenTTLMS, int64(maxAheadMS))
	case len(m.Signature) > MaxSignature:
		return fmt.Errorf("%w: signature of %d bytes, at most %d", ErrInvalid, len(m.Signature), MaxSignature)
	case m.Priority < 0 || m.Priority > 9:
		return fmt.Errorf("%w: priority %d is outside 0–9", ErrInvalid, m.Priority)
	}
	if err := m.Service.validate(m.Runtime); err != nil {
		return err
	}
	return m.Limits.validate()
}

// Accepted says that the order is in the journal, fsynced: it survives the agent. With Hold the
// agent waits for Start before it starts the App.
type Accepted struct {
	Ref
	// Hold is true where preparing takes long (the App must be downloaded): until Start was sent,
	// the cloud may move the order.
	Hold bool `json:"hold,omitempty"`
}

// Kind implements Message.
func (*Accepted) Kind() Kind        { return KindAccepted }
func (m *Accepted) validate() error { return m.Ref.validate() }

// Reason says why an order was refused.
type Reason string

// The reasons. A refused order was not journaled and goes back to the queue.
const (
	ReasonNoCredit Reason = "no_credit" // more orders than the agent granted
	ReasonUnfit    Reason = "unfit"     // the host cannot run Apps now: its disk, its limits, its rights
	ReasonDraining Reason = "draining"
	ReasonUnknown  Reason = "unknown_order" // answer to Cancel, Recall or Start
)

// Refused says that the agent does not take the order now.
type Refused struct {
	Ref
	Reason  Reason `json:"reason"`
	Message string `json:"message,omitempty"` // ≤ MaxText bytes
}

// Kind implements Message.
func (*Refused) Kind() Kind { return KindRefused }

func (m *Refused) validate() error {
	if m.Reason == "" || len(m.Reason) > 64 || len(m.Message) > MaxText {
		return fmt.Errorf("%w: refusal of %s", ErrInvalid, m.Ref)
	}
	return m.Ref.validate()
}

// Ready says that a held order is prepared and asks for Start.
type Ready struct{ Ref }

// Kind implements Message.
func (*Ready) Kind() Kind        { return KindReady }
func (m *Ready) validate() error { return m.Ref.validate() }

// Start allows a held order to start; the cloud has recorded it durably.
type Start struct{ Ref }

// Kind implements Message.
func (*Start) Kind() Kind        { return KindStart }
func (m *Start) validate() error { return m.Ref.validate() }

// Progress reports a state that was reached; nothing depends on its arrival.
type Progress struct {
	Ref
	State State `json:"state"` // preparing or running
	// SinceOrderUS is the time from the arrival of the order to this state, µs.
	SinceOrderUS int64 `json:"since_order_us"`
}

// Kind implements Message.
func (*Progress) Kind() Kind { return KindProgress }

func (m *Progress) validate() error {
	if m.State != StatePreparing && m.State != StateRunning {
		return fmt.Errorf("%w: progress to state %.20q", ErrInvalid, string(m.State))
	}
	return m.Ref.validate()
}

// Stream names one log of a job.
type Stream string

// The streams.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
	AppLog Stream = "app" // the files in tc_log_path
)

func (s Stream) valid() bool { return s == Stdout || s == Stderr || s == AppLog }

// Log carries a piece of one stream. Pieces of a stream come in order; after a reconnect they go on
// at Welcome.Logs.
type Log struct {
	Ref
	Stream Stream `json:"stream"`
	Offset int64  `json:"offset"` // of Data[0] in the stream
	Data   []byte `json:"data"`   // base64 on the wire, ≤ MaxLogChunk
}

// Kind implements Message.
func (*Log) Kind() Kind { return KindLog }

func (m *Log) validate() error {
	switch {
	case !m.Stream.valid():
		return fmt.Errorf("%w: stream %.20q", ErrInvalid, string(m.Stream))
	case m.Offset < 0 || len(m.Data) == 0 || len(m.Data) > MaxLogChunk:
		return fmt.Errorf("%w: %d log bytes at offset %d", ErrInvalid, len(m.Data), m.Offset)
	}
	return m.Ref.validate()
}

// Result says what came of an order. It stays in the agent's outbox until ResultAck.
type Result struct {
	Ref
	Outcome Outcome `json:"outcome"`
	// Returned says that this host could not start the App, and certainly did not. The order is for
	// another attempt, and Outcome does not count.
	Returned bool   `json:"returned,omitempty"`
	ExitCode int    `json:"exit_code"` // of the App; -1 where it did not exit by itself
	Signal   string `json:"signal,omitempty"`
	// Message is message.tc, or the agent's own words; ≤ 255 characters.
	Message string `json:"message"`
	// Error names why the agent could not run the App or end it well, e.g. "app.sha256_mismatch";
	// empty when the App itself decided.
	Error string `json:"error,omitempty"`
	// Results are the lines of results.tc; only on success and partial.
	Results map[string]string `json:"results,omitempty"`
	// Files are publishOutFiles, uploaded by HTTPS before this message.
	Files []File `json:"files,omitempty"`
	// Output says how much the App wrote and how much was kept.
	Output map[Stream]OutputSize `json:"output,omitempty"`

	PrepareUS int64 `json:"prepare_us"` // arrival → the App is executed, µs
	RunMS     int64 `json:"run_ms"`     // start → end
}

// File is one uploaded file.
type File struct {
	Name   string `json:"name"` // relative to tc_out_path, with /
	Size   int64  `json:"size"`
	SHA256 SHA256 `json:"sha256"`
	Error  string `json:"error,omitempty"` // why it is not there
}

// OutputSize counts one stream's bytes.
type OutputSize struct {
	Written int64 `json:"written"`
	Kept    int64 `json:"kept"`
}

// Kind implements Message.
func (*Result) Kind() Kind { return KindResult }

func (m *Result) validate() error {
	switch {
	case !m.Outcome.Valid():
		return fmt.Errorf("%w: outcome %.20q", ErrInvalid, string(m.Outcome))
	case len(m.Message) > 2048 || len(m.Error) > 2048:
		return fmt.Errorf("%w: message of the result of %s is too long", ErrInvalid, m.Ref)
	}
	return m.Ref.validate()
}

// ResultAck says that the cloud has stored the result, or will never accept it because the attempt
// is fenced; in both cases the agent may forget it. With Unknown the cloud has no record of the
// order: the agent keeps the result and offers it again.
type ResultAck struct {
	Ref
	Fenced  bool `json:"fenced,omitempty"`
	Unknown bool `json:"unknown,omitempty"`
}

// Kind implements Message.
func (*ResultAck) Kind() Kind { return KindResultAck }

func (m *ResultAck) validate() error {
	if m.Fenced && m.Unknown {
		return fmt.Errorf("%w: the result of %s is fenced and unknown", ErrInvalid, m.Ref)
	}
	return m.Ref.validate()
}

// Cancel asks to end an order now. The answer is its Result, or Refused with ReasonUnknown.
type Cancel struct {
	Ref
	Reason string `json:"reason,omitempty"` // for people, ≤ MaxText bytes
}

// Kind implements Message.
func (*Cancel) Kind() Kind { return KindCancel }

func (m *Cancel) validate() error {
	if len(m.Reason) > MaxText {
		return fmt.Errorf("%w: reason of %d bytes", ErrInvalid, len(m.Reason))
	}
	return m.Ref.validate()
}

// Recall asks for a held order back.
type Recall struct{ Ref }

// Kind implements Message.
func (*Recall) Kind() Kind        { return KindRecall }
func (m *Recall) validate() error { return m.Ref.validate() }

// Recalled answers Recall. OK is false when the App has started.
type Recalled struct {
	Ref
	OK bool `json:"ok"`
}

// Kind implements Message.
func (*Recalled) Kind() Kind        { return KindRecalled }
func (m *Recalled) validate() error { return m.Ref.validate() }
