package roster

import (
	"encoding/json"
	"time"

	"tcenvsvr/agent/link/wire"
)

// askAgain is how long another gateway has to tell all its sessions.
const askAgain = 2 * beatEvery

// hear takes in a message of another gateway.
func (r *Roster) hear(data []byte) {
	var n news
	if json.Unmarshal(data, &n) != nil || n.Gateway == r.cfg.Gateway || n.Gateway == "" {
		return
	}
	open := make([]Session, len(n.Open))
	for i, one := range n.Open {
		if json.Unmarshal(one, &open[i]) != nil {
			return // the number of the next message says that something was missed
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	p := r.peers[n.Gateway]
	if p == nil {
		p = &peer{first: now}
		r.peers[n.Gateway] = p
	} else if p.silent(now) {
		p.first, p.complete = now, false // of what it told nobody knows what holds
	}
	p.heard = now
	switch {
	case n.Stops:
		p.left, p.sessions, p.next = true, nil, nil
		return
	case n.beat():
		p.complete = p.complete && n.Seq == p.seq
		return
	case n.First:
		p.next = make(map[wire.ServerXID]Session, len(open))
	case n.Seq != p.seq+1:
		p.complete, p.next = false, nil
	}
	p.seq = n.Seq
	into := p.next
	if into == nil {
		if p.sessions == nil {
			p.sessions = map[wire.ServerXID]Session{}
		}
		into = p.sessions
	}
	for _, s := range open {
		into[s.XID] = s
	}
	for _, xid := range n.Over {
		delete(into, xid)
	}
	if n.Last && p.next != nil {
		p.sessions, p.next, p.complete = p.next, nil, true
	}
}

// missing returns the gateways that are to be asked for all their sessions, and forgets those that have
// been silent for long.
func (r *Roster) missing() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	var out []string
	for name, p := range r.peers {
		switch {
		case now.Sub(p.heard) >= forgetAfter:
			delete(r.peers, name)
		case p.silent(now):
			p.sessions, p.next, p.complete = nil, nil, false
		case !p.complete && !p.left && now.Sub(p.asked) >= askAgain:
			p.asked = now
			out = append(out, name)
		}
	}
	return out
}
