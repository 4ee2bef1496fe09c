package wire

import "fmt"

// Kinds that make and keep a session.
const (
	KindHello   Kind = "hello"
	KindWelcome Kind = "welcome"
	KindError   Kind = "error"
	KindGoAway  Kind = "goaway"
	KindPing    Kind = "ping"
	KindPong    Kind = "pong"
	KindCredit  Kind = "credit"
	KindInfo    Kind = "info"
	KindControl Kind = "control"
)

// Hello is the agent's first message; nothing is sent before it.
type Hello struct {
	Protocol    int       `json:"protocol"`     // Protocol of the sender
	BrokerToken string    `json:"broker_token"` // setting brokerToken; never logged
	ServerXID   ServerXID `json:"server_xid"`
	ServerName  string    `json:"server_name"` // shown to people, ≤ 128 bytes
	Version     string    `json:"version"`     // agent version, ≤ 64 bytes
	OS          string    `json:"os"`          // GOOS
	Arch        string    `json:"arch"`        // GOARCH
	BootID      string    `json:"boot_id"`     // changes when the host restarts
	// MachineID is a digest that identifies the host, ≤ 64 bytes. A cloned machine may have the one
	// of its original; "" is unknown.
	MachineID string `json:"machine_id,omitempty"`
	Hostname  string `json:"hostname,omitempty"` // shown to people, ≤ 256 bytes
	// Clock is this host's, Unix milliseconds; only to show the skew.
	Clock int64 `json:"clock,omitempty"`
	// Journal names the journal that Orders and Results come from, ≤ 64 bytes. Two agents may run
	// with one identity, and the hello of one cannot tell what became of an order that was
	// delivered to the journal of the other. "" is unknown.
	Journal   string `json:"journal,omitempty"`
	Slots     int    `json:"slots"`     // orders the agent takes now: the session's first credit
	Executors int    `json:"executors"` // appsNumberofJobExecutors
	// Services is how many orders of services the agent takes now, apart from Slots: the session's
	// first credit of them.
	Services int `json:"services,omitempty"`
	// Orders are all in the journal that have no result yet. The cloud compares them with its own
	// record of this server.
	Orders []InFlight `json:"orders,omitempty"`
	// SealKey is this server's statement of the key to which parameters may be sealed (package
	// secret/envelope), "" if it has none. At most MaxSealKey bytes.
	SealKey string `json:"seal_key,omitempty"`
	// Results are in the outbox and follow as Result messages.
	Results []Ref `json:"results,omitempty"`
	// Probe asks only whether a session would be opened: the answer is [Probed] or [Error]. An open
	// session of the server goes on, and a bundle that is not in use yet stays so. With SealKey the
	// cloud keeps the statement, unless a session of the server is open.
	Probe bool `json:"probe,omitempty"`
	// Leave, with Probe, says that this server is being unenrolled: the cloud revokes it.
	Leave bool `json:"leave,omitempty"`
}

// MaxSealKey is the longest [Hello.SealKey] in bytes.
const MaxSealKey = 32 << 10

// InFlight is one order of Hello.Orders.
type InFlight struct {
	Ref
	State State `json:"state"` // accepted, preparing or running
}

// Kind implements Message.
func (*Hello) Kind() Kind { return KindHello }

func (m *Hello) validate() error {
	switch {
	case m.Leave && !m.Probe:
		return fmt.Errorf("%w: leave without probe", ErrInvalid)
	case m.Protocol < 1:
		return fmt.Errorf("%w: protocol %d", ErrInvalid, m.Protocol)
	case !m.ServerXID.Valid():
		return fmt.Errorf("%w: server_xid %.70q", ErrInvalid, string(m.ServerXID))
	case len(m.BrokerToken) > 4096:
		return fmt.Errorf("%w: broker_token is %d bytes long", ErrInvalid, len(m.BrokerToken))
	case len(m.ServerName) > 128 || len(m.Version) > 64 || len(m.OS) > 32 || len(m.Arch) > 32 || len(m.BootID) > 64 ||
		len(m.Journal) > 64 || len(m.MachineID) > 64 || len(m.Hostname) > 256:
		return fmt.Errorf("%w: a descriptive field of hello is too long", ErrInvalid)
	case len(m.SealKey) > MaxSealKey:
		return fmt.Errorf("%w: seal_key of %d bytes, at most %d", ErrInvalid, len(m.SealKey), MaxSealKey)
	case m.Slots < 0 || m.Slots > MaxSlots:
		return fmt.Errorf("%w: slots %d is outside 0–%d", ErrInvalid, m.Slots, MaxSlots)
	case m.Services < 0 || m.Services > MaxSlots:
		return fmt.Errorf("%w: services %d is outside 0–%d", ErrInvalid, m.Services, MaxSlots)
	case m.Executors < 0 || m.Executors > MaxSlots:
		return fmt.Errorf("%w: executors %d is outside 0–%d", ErrInvalid, m.Executors, MaxSlots)
	case len(m.Orders)+len(m.Results) > MaxHelloRefs:
		return fmt.Errorf("%w: more than %d orders and results", ErrInvalid, MaxHelloRefs)
	}
	for _, o := range m.Orders {
		if err := o.validate(); err != nil {
			return err
		}
		if o.State != StateAccepted && o.State != StatePreparing && o.State != StateRunning {
			return fmt.Errorf("%w: order %s is in flight in state %.20q", ErrInvalid, o.Ref, string(o.State))
		}
	}
	for _, r := range m.Results {
		if err := r.validate(); err != nil {
			return err
		}
	}
	return nil
}

// Limits of a session.
const (
	MaxSlots     = 4096
	MaxHelloRefs = 1024 // orders + results in one Hello; the rest waits for the next session
)

// Welcome answers Hello and opens the session.
type Welcome struct {
	Epoch          int64  `json:"epoch"`            // grows with every session of this serverXid; the newest wins
	HeartbeatMS    int64  `json:"heartbeat_ms"`     // send Ping when nothing was sent for so long; dead after 2.5 of them
	ServerTime     int64  `json:"server_time"`      // Unix milliseconds; only to show the skew
	Environment    string `json:"environment"`      // the Environment's name
	ConfigRevision int64  `json:"config_revision"`  // grows when the cloud's settings for this server change
	Renews         bool   `json:"renews,omitempty"` // the cloud takes Renew
	// Services says that the cloud knows services: it takes Credit.Services and sends their orders.
	Services bool `json:"services,omitempty"`
	// Brokers are where the cloud can be reached, host:port each, at most MaxBrokers. None: it does not
	// say. [ActionBrokers] tells when they change.
	Brokers []string `json:"brokers,omitempty"`
	// Fenced are orders of [Hello] that now belong to a newer attempt or are finished: stop them,
	// send no result.
	Fenced []Ref `json:"fenced,omitempty"`
	// Logs name the byte from which to continue each log stream of the orders and results in
	// [Hello]; a stream that is not named starts at 0.
	Logs []LogOffset `json:"logs,omitempty"`
}

// LogOffset is the number of bytes of one stream that the cloud holds.
type LogOffset struct {
	Ref
	Stream Stream `json:"stream"`
	Offset int64  `json:"offset"`
}

// Kind implements Message.
func (*Welcome) Kind() Kind { return KindWelcome }

func (m *Welcome) validate() error {
	switch {
	case m.Epoch < 1:
		return fmt.Errorf("%w: epoch %d", ErrInvalid, m.Epoch)
	case m.HeartbeatMS < 100 || m.HeartbeatMS > 60_000:
		return fmt.Errorf("%w: heartbeat_ms %d is outside 100–60000", ErrInvalid, m.HeartbeatMS)
	case len(m.Brokers) > MaxBrokers:
		return fmt.Errorf("%w: more than %d brokers", ErrInvalid, MaxBrokers)
	}
	for _, r := range m.Fenced {
		if err := r.validate(); err != nil {
			return err
		}
	}
	for _, l := range m.Logs {
		if err := l.validate(); err != nil {
			return err
		}
		if !l.Stream.valid() || l.Offset < 0 {
			return fmt.Errorf("%w: log offset of %s", ErrInvalid, l.Ref)
		}
	}
	return nil
}

// Code says why the cloud ended a session. Codes are an API: they are shown by `tcenvsvr status`
// and tested by name.
type Code string

// The codes of Error and GoAway.
const (
	CodeProtocol      Code = "protocol"           // version or message not understood
	CodeBadToken      Code = "bad_broker_token"   // brokerToken does not match the server
	CodeUnknownServer Code = "unknown_server"     // no server with this serverXid
	CodeCertificate   Code = "client_certificate" // missing, foreign or another server's
	CodeClock         Code = "clock"              // the certificate is this server's, and not valid by the cloud's clock
	CodeRevoked       Code = "revoked"            // the server was revoked
	CodeInactive      Code = "environment_inactive"
	CodeFenced        Code = "fenced"          // a newer session of the same server took over
	CodeInUse         Code = "identity_in_use" // another host is connected as this server, and keeps it
	CodeRetryLater    Code = "retry_later"     // overloaded or storage away; retry_after_ms says when
	CodeShutdown      Code = "shutting_down"   // this gateway stops; others or its successor will take over
	CodeHeartbeat     Code = "heartbeat_lost"  // nothing was heard for 2.5 heartbeats
)

// Error refuses or ends a session; the sender closes after it.
type Error struct {
	Code         Code   `json:"code"`
	Message      string `json:"message"`                  // for people, ≤ MaxText bytes
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"` // earliest next try, 0 = as usual
	// Exact asks for the next attempt at exactly that time: the cloud has chosen a moment for this
	// agent.
	Exact bool `json:"exact,omitempty"`
}

// Kind implements Message.
func (*Error) Kind() Kind { return KindError }

func (m *Error) validate() error { return validEnd(m.Code, m.Message, m.RetryAfterMS) }

// GoAway asks the agent to leave and come back, here or elsewhere, at a random moment within the
// window. Orders in flight go on.
type GoAway struct {
	Code     Code   `json:"code"`
	Message  string `json:"message"`
	WindowMS int64  `json:"window_ms"` // reconnect after a uniformly random part of it
}

// Kind implements Message.
func (*GoAway) Kind() Kind { return KindGoAway }

func (m *GoAway) validate() error { return validEnd(m.Code, m.Message, m.WindowMS) }

func validEnd(code Code, message string, ms int64) error {
	switch {
	case code == "" || len(code) > 64:
		return fmt.Errorf("%w: code of %d bytes", ErrInvalid, len(code))
	case len(message) > MaxText:
		return fmt.Errorf("%w: message of %d bytes", ErrInvalid, len(message))
	case ms < 0 || ms > 3_600_000:
		return fmt.Errorf("%w: delay of %d ms is outside 0–3600000", ErrInvalid, ms)
	}
	return nil
}

// Ping asks for a Pong with the same Seq. Both sides send it.
type Ping struct {
	Seq   int64 `json:"seq"`
	Clock int64 `json:"clock,omitempty"` // the sender's, Unix milliseconds; only to show the skew
}

// Kind implements Message.
func (*Ping) Kind() Kind      { return KindPing }
func (*Ping) validate() error { return nil }

// Pong answers a Ping.
type Pong struct {
	Seq   int64 `json:"seq"`
	Clock int64 `json:"clock,omitempty"` // as in Ping
}

// Kind implements Message.
func (*Pong) Kind() Kind      { return KindPong }
func (*Pong) validate() error { return nil }

// Credit allows the cloud N more orders in this session, and Services more of services. One of them
// may be 0.
type Credit struct {
	N        int `json:"n"`                  // 0–MaxSlots
	Services int `json:"services,omitempty"` // 0–MaxSlots; only where Welcome.Services
}

// Kind implements Message.
func (*Credit) Kind() Kind { return KindCredit }

func (m *Credit) validate() error {
	if m.N < 0 || m.Services < 0 || m.N == 0 && m.Services == 0 || m.N > MaxSlots || m.Services > MaxSlots {
		return fmt.Errorf("%w: credit %d and %d for services are outside 1–%d", ErrInvalid, m.N, m.Services, MaxSlots)
	}
	return nil
}

// Action is what a Control asks for.
type Action string

// The actions. An agent that does not know one logs it and goes on.
const (
	ActionDrain         Action = "drain"          // take no new orders
	ActionResume        Action = "resume"         // take orders again
	ActionRestart       Action = "restart"        // exit 75; jobs go on
	ActionLogLevel      Action = "log_level"      // Args["level"]
	ActionDiagnostics   Action = "diagnostics"    // send Info now
	ActionConfigChanged Action = "config_changed" // fetch settings
	ActionUpdate        Action = "update"         // ask the updater
	ActionRenew         Action = "renew"          // renew the client certificate now
	// ActionTwin says that another host tries to connect as this server: Args name, address and
	// host (its id in the cloud). Without Args there is no other host any more.
	ActionTwin Action = "twin"
	// ActionBrokers says that the cloud has other brokers than in [Welcome.Brokers]: Args brokers,
	// separated by commas.
	ActionBrokers Action = "brokers"
)

// Control is an operator's request to the agent.
type Control struct {
	Action Action            `json:"action"`
	Args   map[string]string `json:"args,omitempty"`
}

// Kind implements Message.
func (*Control) Kind() Kind { return KindControl }

func (m *Control) validate() error {
	if m.Action == "" || len(m.Action) > 64 || len(m.Args) > 32 {
		return fmt.Errorf("%w: control %.70q", ErrInvalid, string(m.Action))
	}
	return nil
}
