package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The runtimes of services: Apps that run until they are told to end, see "Services" in the package
// documentation.
const (
	RuntimeTriggerService        Runtime = "trigger_service"         // runtimeLevel TriggerService
	RuntimeWebhookTriggerService Runtime = "webhook_trigger_service" // runtimeLevel WebhookTriggerService
	RuntimeAPIService            Runtime = "api_service"             // runtimeLevel ApiService
	RuntimeFeedAPIService        Runtime = "feed_api_service"        // runtimeLevel FeedApiService
)

// Service reports whether r is one of the runtimes of services.
func (r Runtime) Service() bool {
	switch r {
	case RuntimeTriggerService, RuntimeWebhookTriggerService, RuntimeAPIService, RuntimeFeedAPIService:
		return true
	}
	return false
}

// Family is "service" for all services, and r itself for others: what a policy calls it.
func (r Runtime) Family() string {
	if r.Service() {
		return "service"
	}
	return string(r)
}

// ServiceSpec is what a service App is told of itself.
type ServiceSpec struct {
	ID   int64  `json:"id"`   // tc_svc_id, ≥ 1
	Name string `json:"name"` // for people, 1–128 bytes
}

func (s *ServiceSpec) validate(r Runtime) error {
	switch {
	case r.Service() != (s != nil):
		return fmt.Errorf("%w: runtime %.40q and the order's service do not fit together", ErrInvalid, string(r))
	case s != nil && (s.ID < 1 || s.Name == "" || len(s.Name) > 128):
		return fmt.Errorf("%w: service id %d, name of %d bytes", ErrInvalid, s.ID, len(s.Name))
	}
	return nil
}

// Kinds of the talk with a service App.
const (
	KindServiceSend  Kind = "service_send"
	KindServiceSaid  Kind = "service_said"
	KindServiceTaken Kind = "service_taken"
)

// MaxServiceMessage is the longest [ServiceMessage] in bytes.
const MaxServiceMessage = 192 << 10

// ServiceMessage is one JSON object of the talk between the cloud and a service App, without space
// between its parts. It may hold a token, so it belongs in no log and no error.
type ServiceMessage []byte

var errNoObject = errors.New("not a JSON object")

// UnmarshalJSON implements [json.Unmarshaler].
func (m *ServiceMessage) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '{' {
		return errNoObject
	}
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		return errNoObject
	}
	*m = b.Bytes()
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (m ServiceMessage) MarshalJSON() ([]byte, error) { return m, nil }

func (m ServiceMessage) validate() error {
	if len(m) > MaxServiceMessage || len(m) == 0 || m[0] != '{' {
		return fmt.Errorf("%w: service message of %d bytes, want a JSON object of at most %d", ErrInvalid, len(m), MaxServiceMessage)
	}
	return nil
}

// ServiceSend has a message published on the topic that the App of the order listens to, in the
// order of arrival. It is for the App as it runs now: an agent whose App is not connected drops it.
type ServiceSend struct {
	Ref
	Message ServiceMessage `json:"message"`
}

// Kind implements Message.
func (*ServiceSend) Kind() Kind { return KindServiceSend }

func (m *ServiceSend) validate() error {
	if err := m.Message.validate(); err != nil {
		return err
	}
	return m.Ref.validate()
}

// ServiceSaid is what the App of the order has said, or the agent of it.
type ServiceSaid struct {
	Ref
	// Seq is 0 for an answer or a [ServiceState]. Events count from 1 without a gap for each attempt;
	// they are on the host's disk until [ServiceTaken], and come again in every session until then.
	Seq     int64          `json:"seq"`
	Message ServiceMessage `json:"message"`
}

// Kind implements Message.
func (*ServiceSaid) Kind() Kind { return KindServiceSaid }

func (m *ServiceSaid) validate() error {
	if m.Seq < 0 {
		return fmt.Errorf("%w: seq %d of what a service said", ErrInvalid, m.Seq)
	}
	if err := m.Message.validate(); err != nil {
		return err
	}
	return m.Ref.validate()
}

// ServiceTaken says that the cloud has stored all events up to Seq; the agent may forget them.
type ServiceTaken struct {
	Ref
	Seq int64 `json:"seq"` // ≥ 1
}

// Kind implements Message.
func (*ServiceTaken) Kind() Kind { return KindServiceTaken }

func (m *ServiceTaken) validate() error {
	if m.Seq < 1 {
		return fmt.Errorf("%w: seq %d of taken events", ErrInvalid, m.Seq)
	}
	return m.Ref.validate()
}

// Commands of a [ServiceMessage] that the agent makes itself. No App can say them: the agent lets
// through what the contract of service Apps knows.
const (
	CommandState = "State" // ServiceState
	CommandLost  = "Lost"  // ServiceLost
)

// ServiceLink is how a service App stands with its broker.
type ServiceLink string

// How it stands, in the order of a life.
const (
	ServiceUnready   ServiceLink = "unready"   // it has not connected yet, or not again
	ServiceConnected ServiceLink = "connected" // it listens, and has not said Ready
	ServiceReady     ServiceLink = "ready"     // it listens and has said Ready
	ServiceGone      ServiceLink = "gone"      // it was connected and is not any more
)

// ServiceState is a Message with Seq 0 that the agent sends at the begin of each session and when
// State changes; without a change of State at most every 20 s.
type ServiceState struct {
	Command        string          `json:"command"` // CommandState
	State          ServiceLink     `json:"state"`
	SinceMS        int64           `json:"since_ms"`                   // how long it has been so
	Heartbeat      json.RawMessage `json:"heartbeat,omitempty"`        // the last answer's metric, a JSON object
	HeartbeatAgeMS int64           `json:"heartbeat_age_ms,omitempty"` // 0 before the first answer
}

// ServiceLost is a Message with a Seq in place of events that were lost.
type ServiceLost struct {
	Command string `json:"command"` // CommandLost
	Count   int64  `json:"count"`   // how many events
	Reason  string `json:"reason"`  // for people
}
