package link

import (
	"time"

	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

// State is a snapshot for `tcenvsvr status`.
type State struct {
	Connected bool      `json:"connected"` // a session is open
	Since     time.Time `json:"since"`     // when Connected last changed, by the clock of then
	// For is the time since then; it is right even if the clock was set meanwhile.
	For       time.Duration `json:"-"`
	Broker    string        `json:"broker"`          // host:port, the one that is connected or was tried last
	Transport string        `json:"transport"`       // "raw" or "websocket"
	Proxy     string        `json:"proxy,omitempty"` // URL without credentials; "" = direct
	// Remote is the address of the other end of the socket: the broker, or the proxy.
	Remote      string `json:"remote,omitempty"`
	Epoch       int64  `json:"epoch,omitempty"` // of the newest session
	Environment string `json:"environment,omitempty"`

	Heartbeat time.Duration `json:"-"`
	RTT       time.Duration `json:"-"` // newest ping → pong; before the first one hello → welcome
	// Skew is the cloud's clock minus this host's, by the newest message that carried a clock. No
	// decision depends on it.
	Skew time.Duration `json:"-"`

	Reconnects int `json:"reconnects"` // sessions after the first
	Attempts   int `json:"attempts"`   // failed since the last session

	Failure *fault.Fault `json:"failure,omitempty"` // the newest; stays when connected again
	// NextRetry and RetryIn say when the next attempt is, while not connected.
	NextRetry time.Time     `json:"next_retry,omitzero"`
	RetryIn   time.Duration `json:"-"`
}

// State returns the current state.
func (l *Link) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	s.For = time.Since(s.Since)
	if !s.NextRetry.IsZero() {
		s.RetryIn = max(0, time.Until(s.NextRetry))
	}
	return s
}

// trying records which broker is tried.
func (l *Link) trying(b *broker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Broker = b.addr
}

// opened records the begin of a session; [Link.Send] uses it from now on.
func (l *Link) opened(s *session, w *wire.Welcome, rtt time.Duration) {
	now := time.Now()
	l.mu.Lock()
	l.session = s
	st := &l.state
	if st.Epoch != 0 {
		st.Reconnects++
	}
	failed := st.Attempts
	st.Connected, st.Since, st.NextRetry, st.Attempts = true, now, time.Time{}, 0
	st.Remote = s.conn.RemoteAddr().String()
	st.Epoch, st.Environment, st.Heartbeat, st.RTT = w.Epoch, w.Environment, ms(w.HeartbeatMS), rtt
	st.Skew = 0
	shown := *st
	l.mu.Unlock()
	l.log.Info("connected to the cloud", "broker", shown.Broker, "transport", shown.Transport, "proxy", shown.Proxy,
		"remote", shown.Remote, "environment", shown.Environment, "epoch", shown.Epoch,
		"rtt", rtt.Round(10*time.Microsecond), "failed_attempts", failed)
	l.compare(w.ServerTime, rtt)
}

// compare records how far the cloud's clock, in Unix milliseconds, is from this host's, and logs
// when they begin to differ and when they agree again.
func (l *Link) compare(theirs int64, rtt time.Duration) {
	if theirs == 0 {
		return
	}
	now := time.Now()
	l.mu.Lock()
	report := l.clock.Update(theirs, now, rtt)
	skew, apart := l.clock.Skew, l.clock.Apart()
	l.state.Skew = skew
	l.mu.Unlock()
	switch {
	case !report:
	case apart:
		l.log.Warn("the clocks of this host and of the cloud disagree", "skew", skew, "here", now.UTC().Format(time.DateTime), "cloud", time.UnixMilli(theirs).UTC().Format(time.DateTime))
	default:
		l.log.Info("the clocks of this host and of the cloud agree again", "skew", skew)
	}
}

// closed ends the session for Send.
func (l *Link) closed(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == s {
		l.session = nil
		l.state.Connected, l.state.Since = false, time.Now()
	}
}

func (l *Link) measured(rtt time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.RTT = rtt
}

// failed records how an attempt or a session ended.
func (l *Link) failed(e *ended, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Failure, l.state.NextRetry = e.fault, next
	if e.lasted == 0 {
		l.state.Attempts++
	}
}

// stopped records that [Link.Run] has ended.
func (l *Link) stopped() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.NextRetry = time.Time{}
}
