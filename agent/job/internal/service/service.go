package service

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"time"

	"tcenvsvr/agent/job/internal/broker"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/job/internal/spool"
)

// The patience with an App. TcEx ends itself when it has heard no heartbeat for 20 s.
const (
	beatEvery    = 10 * time.Second
	maxMissed    = 3
	readyTimeout = 3 * time.Minute // to get ready, and to come back
)

// Service talks with one App. It is safe for concurrent use.
type Service struct {
	broker *broker.Broker
	spool  *spool.Spool
	silent chan string // has the reason, once
	done   chan struct{}

	mu     sync.Mutex
	state  spec.ServiceState
	before bool // it has been ready
	missed int  // heartbeats without an answer
	agent  *agent
	seen   [][sha256.Size]byte // of the newest events, for those that come again
}

// New makes the broker of a service.
func New(s spec.Service) (*Service, error) {
	said, listens := s.Topics()
	v := &Service{silent: make(chan string, 1), done: make(chan struct{}), state: spec.ServiceState{State: spec.ServiceUnready, Since: time.Now()}}
	var err error
	v.broker, err = broker.New(broker.Config{Said: said, Listens: listens, Connected: v.connected, Message: v.message, TooLarge: v.tooLarge})
	return v, err
}

// Broker is what the App must be told.
func (v *Service) Broker() spec.Broker { return v.broker.Endpoint() }

// Silent has a reason when the App is to be ended because it does not answer.
func (v *Service) Silent() <-chan string { return v.silent }

// Open begins: the working directory is the shim's folder, and the App is about to be executed.
func (v *Service) Open(mode os.FileMode) (err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.spool, err = spool.Open(spec.EventsFile, mode, v.wake)
	if err != nil {
		return err
	}
	v.state.Since = time.Now()
	go v.beat()
	return nil
}

// Started says that the App runs, and which sockets it and its processes hold.
func (v *Service) Started(sockets func() map[uint64]bool) { v.broker.Started(sockets) }

// Shutdown asks the App to end, and reports whether it listens.
func (v *Service) Shutdown() bool {
	return v.tell(map[string]any{"command": "Shutdown", "reason": "the service is stopped"})
}

// Close ends the talk and makes the events durable.
func (v *Service) Close() {
	close(v.done)
	v.broker.Close()
	v.mu.Lock()
	s, a := v.spool, v.agent
	v.mu.Unlock()
	if a != nil {
		a.close()
	}
	if s != nil {
		_ = s.Close()
	}
}

func (v *Service) tell(message map[string]any) bool {
	line, err := json.Marshal(message)
	return err == nil && v.broker.Publish(line)
}

// connected is called when the App begins to listen, and when it ceases to.
func (v *Service) connected(listens bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.missed = 0
	switch {
	case !listens:
		v.set(spec.ServiceGone)
	case v.before: // it does not say Ready again when it comes back
		v.set(spec.ServiceReady)
	default:
		v.set(spec.ServiceConnected)
	}
}

// set changes the state. v.mu is held.
func (v *Service) set(state string) {
	if v.state.State != state {
		v.state.State, v.state.Since = state, time.Now()
		v.changed()
	}
}

// changed has the agent told of the state. v.mu is held.
func (v *Service) changed() {
	if v.agent != nil {
		v.agent.stateChanged()
	}
}

func (v *Service) wake() {
	v.mu.Lock()
	a := v.agent
	v.mu.Unlock()
	if a != nil {
		a.ring()
	}
}

// message is called with what the App says.
func (v *Service) message(payload []byte, again, ack bool) {
	message, command, err := spec.Message(payload)
	if err != nil {
		command = ""
	}
	switch command {
	case "FireEvent", "UpdateTriggerValue":
		v.heard()
		if !v.came(message, again) {
			v.spool.Append(message, ack)
		}
		return
	case "Heartbeat":
		v.answered(message)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch command {
	case "Ready":
		v.before = true
		if v.state.State == spec.ServiceConnected {
			v.set(spec.ServiceReady)
			v.tell(heartbeat)
		}
	case "Acknowledged", "WebhookEventResponse":
		v.missed = 0 // it works, and has no time for heartbeats
	default:
		v.state.Ignored++
		return
	}
	if v.agent != nil {
		v.agent.answer(message)
	}
}

// remembered is how many events are known again.
const remembered = 256

// came reports whether an event that may be a repetition was taken before, and remembers it.
func (v *Service) came(message []byte, again bool) bool {
	sum := sha256.Sum256(message)
	v.mu.Lock()
	defer v.mu.Unlock()
	if again && slices.Contains(v.seen, sum) {
		return true
	}
	if v.seen = append(v.seen, sum); len(v.seen) > remembered {
		v.seen = slices.Delete(v.seen, 0, len(v.seen)-remembered)
	}
	return false
}

func (v *Service) tooLarge() { v.spool.Lost(1, "a message of the App was larger than 192 KiB") }
