package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Protocol is the protocol's major version. It is also the last part of the ALPN name, so that two
// majors can live on one port.
const Protocol = 1

// ALPN names negotiated on port 62000: the raw protocol and WebSocket.
const (
	ALPN          = "tcenv/1"
	ALPNWebSocket = "http/1.1"
	// WebSocketPath is the request path of the WebSocket transport.
	WebSocketPath = "/broker"
)

// Kind names a message.
type Kind string

// A Message is one frame's meaning. The concrete types are the structs of this package, always
// passed as pointers.
type Message interface {
	// Kind is the name the message has on the wire.
	Kind() Kind
	// validate reports the first field that breaks the specification.
	validate() error
}

// Errors that callers tell apart. ErrUnknownKind and ErrInvalid end a session; neither is a reason
// to lose an order.
var (
	ErrUnknownKind = errors.New("unknown message kind")
	ErrInvalid     = errors.New("invalid message")
)

type envelope struct {
	Kind Kind            `json:"kind"`
	Body json.RawMessage `json:"body"`
}

// kinds maps a name to a constructor; it is the only list of kinds.
var kinds = map[Kind]func() Message{
	KindHello:     func() Message { return new(Hello) },
	KindWelcome:   func() Message { return new(Welcome) },
	KindError:     func() Message { return new(Error) },
	KindGoAway:    func() Message { return new(GoAway) },
	KindPing:      func() Message { return new(Ping) },
	KindPong:      func() Message { return new(Pong) },
	KindCredit:    func() Message { return new(Credit) },
	KindOrder:     func() Message { return new(Order) },
	KindAccepted:  func() Message { return new(Accepted) },
	KindRefused:   func() Message { return new(Refused) },
	KindReady:     func() Message { return new(Ready) },
	KindStart:     func() Message { return new(Start) },
	KindProgress:  func() Message { return new(Progress) },
	KindLog:       func() Message { return new(Log) },
	KindResult:    func() Message { return new(Result) },
	KindResultAck: func() Message { return new(ResultAck) },
	KindCancel:    func() Message { return new(Cancel) },
	KindRecall:    func() Message { return new(Recall) },
	KindRecalled:  func() Message { return new(Recalled) },
	KindInfo:      func() Message { return new(Info) },
	KindControl:   func() Message { return new(Control) },
	KindProbed:    func() Message { return new(Probed) },
	KindRenew:     func() Message { return new(Renew) },
	KindRenewed:   func() Message { return new(Renewed) },
}

// Encode returns the frame payload of m. It fails on a message that the receiver would have to
// refuse, so that a bug is found where it is made.
func Encode(m Message) ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.Kind(), err)
	}
	var frame bytes.Buffer
	frame.WriteString(`{"kind":"` + string(m.Kind()) + `","body":`)
	body := json.NewEncoder(&frame)
	body.SetEscapeHTML(false) // \u003c for < would make a frame larger than it came
	if err := body.Encode(m); err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.Kind(), err)
	}
	frame.Truncate(frame.Len() - 1) // the Encoder's line feed
	frame.WriteByte('}')
	if frame.Len() > MaxFrame {
		return nil, fmt.Errorf("encoding %s: %w: %d bytes", m.Kind(), ErrFrameTooLarge, frame.Len())
	}
	return frame.Bytes(), nil
}

// Decode reads one frame payload. Unknown kinds and values outside the specification are errors;
// unknown fields are ignored (version rule, see the package documentation). The payload is not
// kept.
func Decode(frame []byte) (Message, error) {
	if len(frame) > MaxFrame {
		return nil, fmt.Errorf("decoding frame: %w: %d bytes", ErrFrameTooLarge, len(frame))
	}
	if m, ok := decodeOwn(frame); ok {
		return m, nil
	}
	var e envelope
	if err := json.Unmarshal(frame, &e); err != nil {
		return nil, fmt.Errorf("decoding frame: %w: %v", ErrInvalid, redact(err))
	}
	make, ok := kinds[e.Kind]
	if !ok {
		return nil, fmt.Errorf("decoding frame: %w %.40q", ErrUnknownKind, string(e.Kind))
	}
	if len(e.Body) == 0 || e.Body[0] != '{' {
		return nil, fmt.Errorf("decoding %s: %w: body is not an object", e.Kind, ErrInvalid)
	}
	m := make()
	if err := json.Unmarshal(e.Body, m); err != nil {
		return nil, fmt.Errorf("decoding %s: %w: %v", e.Kind, ErrInvalid, redact(err))
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", e.Kind, err)
	}
	return m, nil
}

// decodeOwn decodes a valid frame that looks as Encode makes it, without reading its body twice as
// part of the envelope. What lies between its known beginning and its last byte is one JSON object,
// so that no other member of the envelope can be hidden there.
func decodeOwn(frame []byte) (Message, bool) {
	rest, ok := bytes.CutPrefix(frame, []byte(`{"kind":"`))
	if !ok {
		return nil, false
	}
	kind, body, ok := bytes.Cut(rest, []byte(`","body":`))
	make := kinds[Kind(kind)]
	if !ok || make == nil || len(body) < 2 || body[0] != '{' || body[len(body)-1] != '}' {
		return nil, false
	}
	m := make()
	if json.Unmarshal(body[:len(body)-1], m) != nil || m.validate() != nil {
		return nil, false // whoever reads it again says why
	}
	return m, true
}

// redact keeps what an error of encoding/json says about types and offsets and drops the values
// that it quotes: an order's parameters must not reach a log.
func redact(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("field %q has the wrong type, want %s", t.Field, t.Type)
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON at byte %d", s.Offset)
	}
	return errors.New("not a message")
}
