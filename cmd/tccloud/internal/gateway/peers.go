package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
)

// ErrNotConnected means that no gateway has a session of the server. It is ErrUnknown as well where the
// gateway that may have one does not answer.
var (
	ErrNotConnected = errors.New("the server is not connected")
	ErrUnknown      = fmt.Errorf("%w as far as is known: its gateway does not answer", ErrNotConnected)
)

// Subjects of the messages between gateways.
const (
	subjectEnd     = "tccloud.gateway.end"     // end a server's session
	subjectControl = "tccloud.gateway.control" // request: pass a Control on
	subjectAsk     = "tccloud.gateway.ask."    // + gateway; request: whether a server's session there is alive
	subjectKeep    = "tccloud.gateway.keep"    // an administrator chose a server's host
	peerTimeout    = time.Second
)

type end struct {
	XID     wire.ServerXID `json:"xid"`
	Code    wire.Code      `json:"code"`
	Message string         `json:"message"`
}

type control struct {
	XID     wire.ServerXID `json:"xid"`
	Control *wire.Control  `json:"control"`
}

// listenToPeers answers the requests of other gateways.
func (g *Gateway) listenToPeers() (func(), error) {
	nc := g.cfg.Dispatcher.Conn()
	var subs []*nats.Subscription
	stop := func() {
		for _, s := range subs {
			_ = s.Unsubscribe()
		}
	}
	for subject, handle := range map[string]nats.MsgHandler{
		subjectAsk + g.cfg.Dispatcher.Gateway(): g.answerAsk,
		subjectKeep: func(m *nats.Msg) {
			var c kept
			if json.Unmarshal(m.Data, &c) == nil {
				g.keepHere(c)
			}
		},
		subjectEnd: func(m *nats.Msg) {
			var e end
			if json.Unmarshal(m.Data, &e) == nil {
				g.endHere(e)
			}
		},
		subjectControl: func(m *nats.Msg) {
			var c control
			if json.Unmarshal(m.Data, &c) == nil && c.Control != nil && g.controlHere(c.XID, c.Control) == nil {
				_ = m.Respond(nil)
			}
		},
	} {
		s, err := nc.Subscribe(subject, handle)
		if err != nil {
			stop()
			return nil, fmt.Errorf("listening to other gateways: %w", err)
		}
		subs = append(subs, s)
	}
	return stop, nil
}

// here returns the sessions of this gateway.
func (g *Gateway) here() []roster.Session {
	all := g.all()
	out := make([]roster.Session, 0, len(all))
	for _, s := range all {
		if !s.isClosed() {
			out = append(out, s.describe())
		}
	}
	return out
}

func (g *Gateway) find(xid wire.ServerXID) *session {
	g.mu.Lock()
	of := slices.Clone(g.sessions[xid])
	g.mu.Unlock()
	for _, s := range of {
		if !s.isClosed() {
			return s
		}
	}
	return nil
}

// sessionHere returns the server's session at this gateway.
func (g *Gateway) sessionHere(xid wire.ServerXID) (roster.Session, bool) {
	if s := g.find(xid); s != nil {
		return s.describe(), true
	}
	return roster.Session{}, false
}

// Sessions lists the connected servers of all gateways, ordered by name.
func (g *Gateway) Sessions() []roster.Session { return g.roster.All() }

// Census lists the connected servers of all gateways. away reports whether another server certainly is not
// connected: its gateway may be silent.
func (g *Gateway) Census() (list []roster.Session, away func(wire.ServerXID) bool) {
	return g.Sessions(), func(xid wire.ServerXID) bool {
		_, state := g.Look(xid)
		return state == roster.Away
	}
}

// Look returns whether a server is connected, at whichever gateway, and its session if it is.
func (g *Gateway) Look(xid wire.ServerXID) (roster.Session, roster.State) { return g.roster.Look(xid) }

// Disconnect ends the server's session, at whichever gateway it is, with an error of this code. It
// does nothing if there is none.
func (g *Gateway) Disconnect(ctx context.Context, xid wire.ServerXID, code wire.Code, message string) error {
	e := end{xid, code, message}
	g.endHere(e)
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := g.announce(ctx, subjectEnd, data); err != nil {
		return fmt.Errorf("disconnecting server %q: %w", xid, err)
	}
	return nil
}

// announce publishes to all gateways, this one included.
func (g *Gateway) announce(ctx context.Context, subject string, data []byte) error {
	nc := g.cfg.Dispatcher.Conn()
	if err := nc.Publish(subject, data); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	return nc.FlushWithContext(ctx)
}

func (g *Gateway) endHere(e end) {
	if s := g.find(e.XID); s != nil {
		s.orders.Close()
		s.End(e.Code, e.Message, 0)
	}
}

// Control sends m to the server, at whichever gateway its session is. It returns ErrNotConnected if
// there is none, and ErrUnknown if nobody knows.
func (g *Gateway) Control(ctx context.Context, xid wire.ServerXID, m *wire.Control) error {
	if err := g.controlHere(xid, m); !errors.Is(err, ErrNotConnected) {
		return err
	}
	if g.cfg.Dispatcher.Gateways() == 1 {
		return g.absence(xid)
	}
	data, err := json.Marshal(control{xid, m})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	if _, err := g.cfg.Dispatcher.Conn().RequestWithContext(ctx, subjectControl, data); err != nil {
		return g.absence(xid)
	}
	return nil
}

// absence is the error of a server of which no gateway says that it has it.
func (g *Gateway) absence(xid wire.ServerXID) error {
	if _, state := g.roster.Look(xid); state == roster.Away {
		return ErrNotConnected
	}
	return ErrUnknown
}

func (g *Gateway) controlHere(xid wire.ServerXID, m *wire.Control) error {
	s := g.find(xid)
	if s == nil {
		return ErrNotConnected
	}
	if err := s.Send(m); err != nil && !errors.Is(err, errClosed) {
		return err
	} else if err != nil {
		return ErrNotConnected
	}
	return nil
}
