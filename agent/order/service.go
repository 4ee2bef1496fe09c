package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/guard"
)

const (
	talkAgain    = 200 * time.Millisecond // before the next try to reach a shim
	stateEvery   = 20 * time.Second       // a state that has not changed is told again so soon at the earliest
	lookAgain    = 5 * time.Second        // a service that runs is compared with the policy so often, and
	lookTimeout  = 30 * time.Second       // nobody is waited for longer for that
	takenTimeout = 10 * time.Minute       // for the cloud to take an event of a service that has ended, and
	fencedTaken  = 30 * time.Second       // of one that was fenced: the cloud counts it as lost
	maxSends     = 1024                   // messages for the App, and
	maxSendBytes = 4 << 20                // bytes that wait for its shim
)

// service is the talk between the cloud and the App of a service, as far as the agent has a part in it. All of
// it comes again from the shim.
type service struct {
	mu    sync.Mutex
	bell  chan struct{} // there is something for the shim
	moved chan struct{} // the cloud has taken events; has room for one
	sends []json.RawMessage
	bytes int
	taken int64

	news ServiceNews
	told struct { // the last state that the cloud was told
		epoch int64
		state string
		at    time.Time
	}
}

// ServiceNews is what the agent knows of a service that runs here.
type ServiceNews struct {
	Known   bool // the shim has told State
	State   job.ServiceState
	Events  int64     // that the cloud has taken
	Waiting int64     // that it has not taken
	Last    time.Time // the newest event came at this time, as far as this agent has seen
	Unsent  int64     // messages of the cloud for which there was no room
}

func newService() *service {
	return &service{bell: make(chan struct{}, 1), moved: make(chan struct{}, 1)}
}

// Service tells of the service that the order runs; false if it is none.
func (o *Order) Service() (ServiceNews, bool) {
	if o.service == nil {
		return ServiceNews{}, false
	}
	o.service.mu.Lock()
	defer o.service.mu.Unlock()
	return o.service.news, true
}

// ServiceName is what the cloud calls the service, "" if the order runs none.
func (o *Order) ServiceName() string {
	if o.spec.Service == nil {
		return ""
	}
	return o.spec.Service.Name
}

// ServiceID is the number of the service, 0 if the order runs none.
func (o *Order) ServiceID() int64 {
	if o.spec.Service == nil {
		return 0
	}
	return o.spec.Service.ID
}

// IsService reports whether the order takes a place for services, not a slot for jobs.
func (o *Order) IsService() bool { return o.service != nil }

// SendService has a message published to the App. It does not wait; what finds no room is dropped, and the
// cloud waits no longer than it wants to.
func (o *Order) SendService(message wire.ServiceMessage) {
	s := o.service
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sends) >= maxSends || s.bytes+len(message) > maxSendBytes {
		s.news.Unsent++
		return
	}
	s.sends = append(s.sends, json.RawMessage(message))
	s.bytes += len(message)
	wake(s.bell)
}

// TakenService says that the cloud has the events up to seq.
func (o *Order) TakenService(seq int64) {
	s := o.service
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq <= s.taken {
		return
	}
	s.taken = seq
	s.news.Events, s.news.Waiting = seq, max(0, s.news.Waiting+s.news.Events-seq)
	wake(s.bell)
	wake(s.moved)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// talk carries messages between the cloud and the shim of a service until ctx ends. It reconnects: a shim
// outlives agents, and its socket may be away for a moment.
func (o *Order) talk(ctx context.Context, process *job.Process) {
	if o.service == nil {
		return
	}
	for ctx.Err() == nil {
		talk, err := process.Talk(ctx)
		if err == nil {
			o.converse(ctx, talk)
			_ = talk.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(talkAgain):
		}
	}
}

// obey ends a service that the host's owner denies meanwhile: its order does not come again, and it may run for
// months. Other Apps end by their timeout.
func (o *Order) obey(ctx context.Context) {
	if o.service == nil {
		return
	}
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	var unknown time.Time // since when it is not known whether it is allowed
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		err := o.running(ctx)
		r, denied := errors.AsType[*guard.Refusal](err)
		switch {
		case err == nil:
			unknown = time.Time{}
			continue
		case ctx.Err() != nil:
			return
		case denied:
		case unknown.IsZero():
			unknown = time.Now()
			o.c.Logger.Warn("whether a service that runs is allowed is not known yet", "order", o.ref.String(), "err", err)
			continue
		case time.Since(unknown) < installTimeout:
			continue
		default: // else a cloud that keeps silent about signatures would keep it running
			r = &guard.Refusal{Code: policy.Denied, Rule: policy.RuleDefault, Err: fmt.Errorf("whether it is allowed could not be found out: %w", err)}
		}
		o.tellDenied(r)
		o.ending.begin(r)
		return
	}
}

// running asks the guard about the App that runs.
func (o *Order) running(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return o.c.Guard.Running(ctx, o.spec)
}

// converse is one connection with the shim.
func (o *Order) converse(ctx context.Context, talk *job.Talk) {
	ctx, stop := context.WithCancel(ctx)
	var both sync.WaitGroup
	defer both.Wait()
	defer stop()
	both.Go(func() { <-ctx.Done(); _ = talk.Close() })
	both.Go(func() { o.tellShim(ctx, talk) })
	both.Go(func() { // what is not taken comes again in each session, and the state
		for {
			s := o.c.Sessions.wait(ctx)
			if s == nil || talk.Again() != nil {
				return
			}
			select {
			case <-s.lost:
			case <-ctx.Done():
				return
			}
		}
	})
	for {
		said, err := talk.Next()
		if err != nil {
			if ctx.Err() == nil {
				o.c.Logger.Debug("the talk with a service has ended", "order", o.ref.String(), "err", err)
			}
			return
		}
		o.tellCloud(ctx, said)
	}
}

// tellShim passes on what the cloud says.
func (o *Order) tellShim(ctx context.Context, talk *job.Talk) {
	s := o.service
	var told int64
	for {
		s.mu.Lock()
		sends, taken := s.sends, s.taken
		s.sends, s.bytes = nil, 0
		s.mu.Unlock()
		var err error
		if taken > told {
			told = taken
			err = talk.Taken(taken)
		}
		for _, m := range sends {
			err = errors.Join(err, talk.Send(m))
		}
		if err != nil {
			_ = talk.Close()
			return
		}
		select {
		case <-s.bell:
		case <-ctx.Done():
			return
		}
	}
}

// tellCloud passes on what the App has said, in the session of this moment or not at all.
func (o *Order) tellCloud(ctx context.Context, said job.Said) {
	session := o.c.Sessions.Current()
	message := wire.ServiceMessage(said.Message)
	if said.State != nil {
		message = o.stateNews(*said.State, session)
	} else if said.Seq > 0 {
		o.eventNews(said.Seq)
	}
	if session == nil || message == nil {
		return
	}
	err := o.c.Link.SendLast(ctx, session.Epoch, &wire.ServiceSaid{Ref: o.ref, Seq: said.Seq, Message: message})
	if err != nil && ctx.Err() == nil {
		o.c.Logger.Debug("what a service said was not sent", "order", o.ref.String(), "seq", said.Seq, "err", err)
	}
}

// eventNews counts an event that has not come before.
func (o *Order) eventNews(seq int64) {
	s := o.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq > s.news.Events+s.news.Waiting {
		s.news.Waiting, s.news.Last = seq-s.news.Events, time.Now()
	}
}

// stateNews is the message that tells the cloud how the App stands; nil if it knows.
func (o *Order) stateNews(now job.ServiceState, session *Session) wire.ServiceMessage {
	s := o.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.news.Known || s.news.State.State != now.State {
		o.c.Logger.Info("service changed", "order", o.ref.String(), "service", o.ServiceName(), "state", now.State)
	}
	if now.Lost > s.news.State.Lost {
		o.c.Logger.Error("events of a service were lost, and that could not be recorded", "order", o.ref.String(), "service", o.ServiceName(), "lost", now.Lost)
	}
	s.news.Known, s.news.State = true, now
	if session == nil || s.told.epoch == session.Epoch && s.told.state == now.State && time.Since(s.told.at) < stateEvery {
		return nil
	}
	s.told.epoch, s.told.state, s.told.at = session.Epoch, now.State, time.Now()
	m := wire.ServiceState{
		Command: wire.CommandState, State: wire.ServiceLink(now.State), SinceMS: max(0, time.Since(now.Since).Milliseconds()), Heartbeat: now.Metric,
	}
	if !now.Beat.IsZero() {
		m.HeartbeatAgeMS = max(1, time.Since(now.Beat).Milliseconds())
	}
	line, err := json.Marshal(m)
	if err != nil {
		return nil
	}
	return line
}

// handOver gives the cloud the events that a service has left when it ended, before its result. It gives up if
// the cloud takes none for long: then the log says so, and the events are lost.
func (o *Order) handOver(ctx context.Context) {
	for o.service != nil {
		session := o.c.Sessions.wait(ctx)
		if session == nil {
			return
		}
		last, err := o.offer(ctx, session)
		if err != nil {
			o.c.Logger.Debug("events of a service were not sent", "order", o.ref.String(), "err", err)
		}
		if o.awaitTaken(ctx, session, last) {
			return
		}
	}
}

// offer sends the events that are not taken, and returns the number of the last.
func (o *Order) offer(ctx context.Context, session *Session) (last int64, err error) {
	taken := o.takenEvents()
	send := func(seq int64, message json.RawMessage) error {
		last = seq
		if seq <= taken {
			return nil
		}
		return o.c.Link.SendLast(ctx, session.Epoch, &wire.ServiceSaid{Ref: o.ref, Seq: seq, Message: wire.ServiceMessage(message)})
	}
	var sending error
	err = job.Events(o.dir(), func(seq int64, message json.RawMessage) error {
		o.eventNews(seq)
		sending = send(seq, append(json.RawMessage(nil), message...))
		return sending
	})
	if err != nil && sending == nil { // there were more, and nobody knows how many
		o.c.Logger.Error("events of a service are damaged", "order", o.ref.String(), "service", o.ServiceName(), "after", last, "err", err)
		lost, _ := json.Marshal(wire.ServiceLost{Command: wire.CommandLost, Count: 1, Reason: "the events that the service left are damaged"})
		err = send(max(last, taken)+1, lost)
	}
	return last, err
}

func (o *Order) takenEvents() int64 {
	o.service.mu.Lock()
	defer o.service.mu.Unlock()
	return o.service.taken
}

// awaitTaken waits until the cloud has taken the events up to last. It is false if they have to be offered
// again in another session.
func (o *Order) awaitTaken(ctx context.Context, session *Session, last int64) bool {
	for o.takenEvents() < last {
		limit, fenced := takenTimeout, o.ending.done
		if o.ending.reason() != nil { // cancelled: the events are wanted
			fenced = nil
		}
		if o.fenced() {
			limit = fencedTaken
		}
		select {
		case <-o.service.moved:
		case <-fenced:
		case <-session.lost:
			return false
		case <-ctx.Done():
			return true
		case <-time.After(limit):
			o.c.Logger.Error("events of a service are given up: the cloud does not take them", "order", o.ref.String(), "service", o.ServiceName(), "events", last-o.takenEvents())
			return true
		}
	}
	return true
}
