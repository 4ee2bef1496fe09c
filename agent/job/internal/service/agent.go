package service

import (
	"bufio"
	"encoding/json"
	"net"
	"sync"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

// Bounds of what waits for an agent. Events wait in the spool.
const (
	maxAnswers     = 1024
	maxAnswerBytes = 4 << 20
	writeTimeout   = 30 * time.Second
)

// agent is the connection of one.
type agent struct {
	conn net.Conn
	bell chan struct{}

	mu      sync.Mutex
	news    bool // of the state
	cursor  int64
	answers []json.RawMessage
	bytes   int
}

// Talk speaks with an agent until its connection ends. It ends that of an older one.
func (v *Service) Talk(conn net.Conn, r *bufio.Reader) {
	a := &agent{conn: conn, bell: make(chan struct{}, 1), news: true}
	v.mu.Lock()
	if v.agent != nil {
		v.agent.close()
	}
	v.agent = a
	v.mu.Unlock()
	a.ring()
	written := make(chan struct{})
	over := make(chan struct{})
	go func() { defer close(written); v.write(a, over) }()
	v.read(a, r)
	a.close()
	close(over)
	<-written
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.agent == a {
		v.agent = nil
	}
}

func (a *agent) close() { _ = a.conn.Close() }

func (a *agent) ring() {
	select {
	case a.bell <- struct{}{}:
	default:
	}
}

func (a *agent) stateChanged() {
	a.mu.Lock()
	a.news = true
	a.mu.Unlock()
	a.ring()
}

// answer sends an answer of the App, unless too many wait already: the agent does not read.
func (a *agent) answer(message json.RawMessage) {
	a.mu.Lock()
	if len(a.answers) < maxAnswers && a.bytes+len(message) <= maxAnswerBytes {
		a.answers = append(a.answers, message)
		a.bytes += len(message)
	}
	a.mu.Unlock()
	a.ring()
}

// read does what the agent says.
func (v *Service) read(a *agent, r *bufio.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, spec.MaxWord)
	for lines.Scan() {
		w, err := spec.DecodeWord(lines.Bytes())
		switch {
		case err != nil:
			return
		case w.Send != nil:
			if !v.broker.Publish(w.Send) {
				v.mu.Lock()
				v.state.Dropped++
				v.mu.Unlock()
			}
		case w.Taken > 0:
			v.spool.Taken(w.Taken)
		case w.Again:
			a.mu.Lock()
			a.cursor, a.news = 0, true
			a.mu.Unlock()
			a.ring()
		}
	}
}

// write sends what there is until the connection is over.
func (v *Service) write(a *agent, over <-chan struct{}) {
	for {
		w, some := v.next(a)
		if !some {
			select {
			case <-a.bell:
				continue
			case <-over:
				return
			}
		}
		line, err := spec.EncodeWord(w)
		if err == nil {
			_ = a.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			_, err = a.conn.Write(line)
		}
		if err != nil {
			a.close()
			return
		}
	}
}

// next is the next word for the agent: the state, answers, events.
func (v *Service) next(a *agent) (spec.Word, bool) {
	a.mu.Lock()
	news := a.news
	a.news = false
	a.mu.Unlock()
	if news {
		v.mu.Lock()
		state := v.state
		v.mu.Unlock()
		state.Lost = v.spool.Silent()
		return spec.Word{State: &state}, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.answers) > 0 {
		m := a.answers[0]
		a.answers = a.answers[1:]
		a.bytes -= len(m)
		return spec.Word{Said: m}, true
	}
	seq, payload, ok := v.spool.Next(a.cursor)
	if !ok {
		return spec.Word{}, false
	}
	a.cursor = seq
	return spec.Word{Seq: seq, Said: payload}, true
}
