package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// Service names the service whose App is to talk with its shim. An OpService comes before the OpStart,
// whose Launch tells the App the Broker of the Reply.
type Service struct {
	ID int64 `json:"id"` // ≥ 1
}

// Validate returns an error if there can be no such service.
func (s *Service) Validate() error {
	if s.ID < 1 {
		return fmt.Errorf("service id %d is not positive", s.ID)
	}
	return nil
}

// Topics are that on which the App publishes and that to which it listens.
func (s *Service) Topics() (said, listens string) {
	id := strconv.FormatInt(s.ID, 10)
	return "svc-client-" + id, "svc-server-" + id
}

// Broker is where and how a service App connects to its shim.
type Broker struct {
	Host  string `json:"host"`
	Port  int    `json:"port"`
	Token string `json:"token"` // the password
	CA    []byte `json:"ca"`    // PEM: the only CA that the App may trust for it
}

// String names the broker without its token.
func (b Broker) String() string {
	return "broker " + b.Host + ":" + strconv.Itoa(b.Port) + " [redacted]"
}

// Format prints String whatever the verb.
func (b Broker) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(b.String())) }

func (b *Broker) validate() error {
	if b.Host == "" || b.Port < 1 || b.Port > 65535 || b.Token == "" || len(b.CA) == 0 {
		return errors.New("a broker without host, port, token or CA")
	}
	return nil
}

// EventsFile has what the App of a service said and must not be lost (package spool).
const EventsFile = "events"

// MaxServiceMessage is the longest message between a service App and the cloud, in bytes.
const MaxServiceMessage = 192 << 10

// MaxWord bounds the line of a Word: no escape makes a message longer.
const MaxWord = MaxServiceMessage + 64<<10

// Word is a line of the talk between an agent and the shim of a service (verb sock.Service). One field
// is set, Seq beside Said. It crosses releases: readers ignore fields that they do not know.
type Word struct {
	// To the shim: a message for the App; the cloud has all events up to Taken; send the events that
	// are not taken again.
	Send  json.RawMessage `json:"send,omitempty"`
	Taken int64           `json:"taken,omitempty"`
	Again bool            `json:"again,omitempty"`
	// From the shim: what the App said, an event if Seq is not 0; how the App stands.
	Said  json.RawMessage `json:"said,omitempty"`
	Seq   int64           `json:"seq,omitempty"`
	State *ServiceState   `json:"state,omitempty"`
}

// How the App of a service stands with its broker.
const (
	ServiceUnready   = "unready"   // it has not connected yet
	ServiceConnected = "connected" // it listens, and has not said Ready
	ServiceReady     = "ready"     // it listens, and has said Ready
	ServiceGone      = "gone"      // it has listened before, and does not now
)

// ServiceState is how the App of a service stands.
type ServiceState struct {
	State   string          `json:"state"`
	Since   time.Time       `json:"since"`
	Metric  json.RawMessage `json:"metric,omitempty"`  // of the last answer to a heartbeat, a JSON object
	Beat    time.Time       `json:"beat,omitzero"`     // when that came
	Ignored int64           `json:"ignored,omitempty"` // messages of the App that no contract knows
	Dropped int64           `json:"dropped,omitempty"` // messages for the App that it did not read, or was not there for
	Lost    int64           `json:"lost,omitempty"`    // events of which not even the loss could be written down
}

// MaxMetric is the longest Metric in bytes.
const MaxMetric = 16 << 10

// EncodeWord returns the line of a word.
func EncodeWord(w Word) ([]byte, error) { return Encode(w) }

// DecodeWord reads a line.
func DecodeWord(line []byte) (Word, error) {
	var w Word
	if len(line) > MaxWord {
		return w, fmt.Errorf("%w: word of %d bytes", ErrCorrupt, len(line))
	}
	err := json.Unmarshal(line, &w)
	switch {
	case err != nil: // whose text quotes the message
		err = errors.New("not a word")
	case w.Seq < 0 || w.Taken < 0:
		err = errors.New("a negative number")
	case w.Send != nil && !isMessage(w.Send) || w.Said != nil && !isMessage(w.Said):
		err = errors.New("no JSON object, or too large")
	case w.State != nil && !w.State.valid():
		err = errors.New("no state of a service")
	}
	if err != nil {
		return Word{}, fmt.Errorf("%w: word: %w", ErrCorrupt, err)
	}
	return w, nil
}

func (s *ServiceState) valid() bool {
	switch s.State {
	case ServiceUnready, ServiceConnected, ServiceReady, ServiceGone:
	default:
		return false
	}
	return len(s.Metric) <= MaxMetric && (len(s.Metric) == 0 || s.Metric[0] == '{') && s.Ignored >= 0 && s.Dropped >= 0 && s.Lost >= 0
}

func isMessage(m json.RawMessage) bool {
	return len(m) <= MaxServiceMessage && len(m) > 0 && m[0] == '{'
}

// Message is what an App published, as a JSON object without space between its parts, and its command.
// It is an error if it is anything else.
func Message(payload []byte) (message json.RawMessage, command string, err error) {
	if len(payload) > MaxServiceMessage || !utf8.Valid(payload) {
		return nil, "", errNoMessage
	}
	var b bytes.Buffer
	if json.Compact(&b, payload) != nil || !isMessage(b.Bytes()) {
		return nil, "", errNoMessage
	}
	var head struct {
		Command string `json:"command"`
	}
	if json.Unmarshal(b.Bytes(), &head) != nil || head.Command == "" {
		return nil, "", errNoMessage
	}
	return b.Bytes(), head.Command, nil
}

var errNoMessage = errors.New("no message of a service")
