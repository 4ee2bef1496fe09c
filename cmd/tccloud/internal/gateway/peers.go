package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
)

// ErrNotConnected means that no gateway has a session of the server.
var ErrNotConnected = errors.New("the server is not connected")

// Subjects of the messages between gateways.
const (
	subjectList    = "tccloud.gateway.list"    // request: all sessions, in pages
	subjectEnd     = "tccloud.gateway.end"     // end a server's session
	subjectControl = "tccloud.gateway.control" // request: pass a Control on
	subjectAsk     = "tccloud.gateway.ask."    // + gateway; request: whether a server's session there is alive
	subjectKeep    = "tccloud.gateway.keep"    // an administrator chose a server's host
	peerTimeout    = time.Second
	pageSize       = 500 // sessions in one message
)

type page struct {
	Gateway  string    `json:"gateway"`
	Sessions []Session `json:"sessions"`
	Last     bool      `json:"last"`
}

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
		subjectList:                             g.answerList,
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
func (g *Gateway) here() []Session {
	all := g.all()
	out := make([]Session, 0, len(all))
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

func (g *Gateway) answerList(m *nats.Msg) {
	me := g.cfg.Dispatcher.Gateway()
	if string(m.Data) == me {
		return
	}
	pages := slices.Collect(slices.Chunk(g.here(), pageSize))
	if len(pages) == 0 {
		pages = [][]Session{nil}
	}
	for i, p := range pages {
		if data, err := json.Marshal(page{me, p, i == len(pages)-1}); err == nil {
			_ = m.Respond(data) // the gateway that asked goes on without this one
		}
	}
}

// Sessions lists the connected servers of all gateways, ordered by name. A gateway that does not
// answer within a second is left out.
func (g *Gateway) Sessions(ctx context.Context) ([]Session, error) {
	out, _, err := g.everywhere(ctx)
	slices.SortFunc(out, func(a, b Session) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.XID, b.XID))
	})
	return out, err
}

// Census lists the connected servers of all gateways, in any order. away reports whether another server
// certainly is not connected: the gateway that had it last may not have answered.
func (g *Gateway) Census(ctx context.Context) (list []Session, away func(wire.ServerXID) bool, err error) {
	list, silent, err := g.everywhere(ctx)
	if err != nil {
		return nil, nil, err
	}
	return list, func(xid wire.ServerXID) bool {
		if silent == nil {
			return true
		}
		last, err := g.cfg.Dispatcher.Holder(ctx, xid)
		return err == nil && !silent(last)
	}, nil
}

// everywhere lists the sessions of all gateways. silent is nil if all have answered; else it reports
// whether one may not have.
func (g *Gateway) everywhere(ctx context.Context) (list []Session, silent func(gateway string) bool, err error) {
	list = g.here()
	others := g.cfg.Dispatcher.Gateways() - 1
	if others <= 0 {
		return list, nil, nil
	}
	more, answered, err := g.askPeers(ctx, others)
	if err != nil {
		return nil, nil, fmt.Errorf("listing sessions: %w", err)
	}
	list = append(list, more...)
	if len(answered) == others {
		return list, nil, nil
	}
	answered = append(answered, "", g.cfg.Dispatcher.Gateway()) // "": nobody had it
	return list, func(gateway string) bool { return !slices.Contains(answered, gateway) }, nil
}

// askPeers returns the sessions of other gateways, and which of them have listed all of theirs in time.
func (g *Gateway) askPeers(ctx context.Context, others int) (list []Session, answered []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	nc := g.cfg.Dispatcher.Conn()
	inbox := nc.NewRespInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := nc.PublishRequest(subjectList, inbox, []byte(g.cfg.Dispatcher.Gateway())); err != nil {
		return nil, nil, err
	}
	for len(answered) < others {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			break
		}
		var p page
		if err := json.Unmarshal(m.Data, &p); err != nil {
			return nil, nil, err
		}
		list = append(list, p.Sessions...)
		if p.Last {
			answered = append(answered, p.Gateway)
		}
	}
	return list, answered, nil
}

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
// there is none.
func (g *Gateway) Control(ctx context.Context, xid wire.ServerXID, m *wire.Control) error {
	if err := g.controlHere(xid, m); !errors.Is(err, ErrNotConnected) {
		return err
	}
	if g.cfg.Dispatcher.Gateways() == 1 {
		return ErrNotConnected
	}
	data, err := json.Marshal(control{xid, m})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	if _, err := g.cfg.Dispatcher.Conn().RequestWithContext(ctx, subjectControl, data); err != nil {
		return ErrNotConnected
	}
	return nil
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
