package link

import (
	"encoding/json"
	"time"
)

// plainState has no methods.
type plainState State

// stateJSON is a State with its durations in milliseconds, as all of "status --json" has them.
type stateJSON struct {
	plainState
	For       millis `json:"for_ms"`
	Heartbeat millis `json:"heartbeat_ms,omitempty"`
	RTT       millis `json:"rtt_ms,omitempty"`
	Skew      millis `json:"skew_ms,omitempty"`
	RetryIn   millis `json:"retry_in_ms,omitempty"`
}

// millis are milliseconds, to the microsecond.
type millis float64

func toMillis(d time.Duration) millis { return millis(d.Microseconds()) / 1000 }
func (m millis) duration() time.Duration {
	return time.Duration(float64(m) * float64(time.Millisecond))
}

// MarshalJSON has durations in milliseconds.
func (s State) MarshalJSON() ([]byte, error) {
	return json.Marshal(stateJSON{plainState(s), toMillis(s.For), toMillis(s.Heartbeat), toMillis(s.RTT), toMillis(s.Skew), toMillis(s.RetryIn)})
}

// UnmarshalJSON is for the command line, which asks a running agent.
func (s *State) UnmarshalJSON(data []byte) error {
	var j stateJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*s = State(j.plainState)
	s.For, s.Heartbeat, s.RTT, s.Skew, s.RetryIn = j.For.duration(), j.Heartbeat.duration(), j.RTT.duration(), j.Skew.duration(), j.RetryIn.duration()
	return nil
}
