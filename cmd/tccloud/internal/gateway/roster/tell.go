package roster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
)

const (
	subject = "tccloud.gateway.sessions" // what gateways tell
	asking  = subject + ".ask"           // the name of a gateway that is to tell all its sessions, "" = each
	// tellAfter is how long changes are collected.
	tellAfter = 100 * time.Millisecond
	beatEvery = 2 * time.Second
	// maxBytes bounds the sessions of one message, below the message limit of an external NATS. One alone
	// is far smaller: what an agent says of itself is bounded.
	maxBytes = 256 << 10
)

// news is a message from one gateway to all others.
type news struct {
	Gateway string            `json:"gateway"`
	Seq     uint64            `json:"seq"`             // messages so far, those without a session not counted
	First   bool              `json:"first,omitempty"` // from this one to Last all sessions are told
	Last    bool              `json:"last,omitempty"`
	Stops   bool              `json:"stops,omitempty"` // the gateway, and its sessions with it
	Open    []json.RawMessage `json:"open,omitempty"`  // each a Session
	Over    []wire.ServerXID  `json:"over,omitempty"`
}

// beat reports whether n only says that its gateway is there.
func (n *news) beat() bool { return !n.First && !n.Last && len(n.Open)+len(n.Over) == 0 }

func (r *Roster) publish(n news) {
	// What is lost is missed by the others, who ask for it.
	if data, err := json.Marshal(n); err == nil {
		_ = r.cfg.Conn.Publish(subject, data)
	}
}

// Run tells and hears until ctx ends.
func (r *Roster) Run(ctx context.Context) error {
	if r.cfg.Conn == nil {
		return nil
	}
	in := make(chan *nats.Msg, 1024)
	for _, s := range []string{subject, asking} {
		sub, err := r.cfg.Conn.ChanSubscribe(s, in)
		if err != nil {
			return fmt.Errorf("listening to other gateways: %w", err)
		}
		defer func() { _ = sub.Unsubscribe() }()
	}
	t := &teller{Roster: r}
	t.all()
	_ = r.cfg.Conn.Publish(asking, nil)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			r.send(news{Gateway: r.cfg.Gateway, Seq: t.seq, Stops: true})
			return nil
		case m := <-in:
			if m.Subject == subject {
				r.hear(m.Data)
			} else if of := string(m.Data); of == "" || of == r.cfg.Gateway {
				t.asked = true
				r.signal()
			}
		case <-r.wake:
			if due == nil {
				due = time.After(tellAfter)
			}
		case <-due:
			due = nil
			t.tell()
		case <-beat.C:
			r.send(news{Gateway: r.cfg.Gateway, Seq: t.seq})
			for _, gateway := range r.missing() {
				_ = r.cfg.Conn.Publish(asking, []byte(gateway))
			}
		}
	}
}

// teller is what Run has told.
type teller struct {
	*Roster
	seq   uint64
	asked bool // for all sessions
}

// tell tells what has changed, or all.
func (t *teller) tell() {
	if t.asked {
		t.asked = false
		t.all()
		return
	}
	var b batch
	for xid := range t.takeChanged() {
		s, ok := t.cfg.Here(xid)
		if !ok {
			b.over(xid)
			continue
		}
		b.open(s)
	}
	t.say(b, false)
}

// all tells all sessions.
func (t *teller) all() {
	t.takeChanged()
	var b batch
	for _, s := range t.cfg.AllHere() {
		b.open(s)
	}
	t.say(b, true)
}

func (t *teller) say(b batch, all bool) {
	if all && len(b.pages) == 0 {
		b.pages = []news{{}}
	}
	for i, n := range b.pages {
		t.seq++
		n.Gateway, n.Seq, n.First, n.Last = t.cfg.Gateway, t.seq, all && i == 0, all && i == len(b.pages)-1
		t.send(n)
	}
}

func (r *Roster) takeChanged() map[wire.ServerXID]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.changed
	r.changed = map[wire.ServerXID]struct{}{}
	return all
}

// batch is what is told, in messages of at most maxBytes.
type batch struct {
	pages []news
	bytes int // of the last page
}

// room returns the page that so many bytes fit in.
func (b *batch) room(bytes int) *news {
	if len(b.pages) == 0 || b.bytes+bytes > maxBytes {
		b.pages, b.bytes = append(b.pages, news{}), 0
	}
	b.bytes += bytes
	return &b.pages[len(b.pages)-1]
}

func (b *batch) open(s Session) {
	if data, err := json.Marshal(s); err == nil { // a Session can always be written
		n := b.room(len(data) + 1)
		n.Open = append(n.Open, data)
	}
}

func (b *batch) over(xid wire.ServerXID) {
	n := b.room(len(xid) + 3)
	n.Over = append(n.Over, xid)
}
