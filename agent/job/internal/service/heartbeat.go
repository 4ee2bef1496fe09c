package service

import (
	"encoding/json"
	"fmt"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

var heartbeat = map[string]any{"command": "Heartbeat", "cpuPercent": 0, "memoryPercent": 0, "metric": struct{}{}}

// beat asks the App whether it lives, until Close.
func (v *Service) beat() {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-v.done:
			return
		case <-tick.C:
		}
		v.spool.Say()
		if why := v.look(); why != "" {
			v.silent <- why
			return
		}
	}
}

// look sends a heartbeat and returns why the App counts as silent, "" if it does not.
func (v *Service) look() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state.State != spec.ServiceReady {
		if time.Since(v.state.Since) > readyTimeout {
			return fmt.Sprintf("the App is %q with its broker for %s", v.state.State, readyTimeout)
		}
	} else if v.missed >= maxMissed {
		return fmt.Sprintf("the App has not answered %d heartbeats", v.missed)
	} else {
		v.missed++
	}
	if v.state.State == spec.ServiceReady || v.state.State == spec.ServiceConnected {
		v.tell(heartbeat)
	}
	return ""
}

// answered notes an answer to a heartbeat.
func (v *Service) answered(message []byte) {
	var m struct {
		Metric json.RawMessage `json:"metric"`
	}
	if json.Unmarshal(message, &m) != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.missed = 0
	if len(m.Metric) <= spec.MaxMetric && len(m.Metric) > 0 && m.Metric[0] == '{' {
		v.state.Metric = m.Metric
	}
	v.state.Beat = time.Now()
	v.changed()
}
