package slot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/slot/state"
)

// Status is what everybody may know about self-update on this host.
type Status struct {
	Phase     state.Phase      `json:"phase"`
	Package   string           `json:"package"`            // version of the baseline
	Active    string           `json:"active"`             // version that runs when no update is under way
	Selected  *state.Image     `json:"selected,omitempty"` // what was started last
	Candidate *state.Candidate `json:"candidate,omitempty"`
	Previous  *state.Image     `json:"previous,omitempty"`
	Bad       []state.Mark     `json:"bad,omitempty"`
	Hold      string           `json:"hold,omitempty"`
	Pin       string           `json:"pin,omitempty"`
	Last      *state.Event     `json:"last,omitempty"`
}

// State reads root's state and says what is in it.
func (s *Slots) State() (Status, error) {
	st, err := s.load()
	return s.status(st), err
}

func (s *Slots) status(st state.State) Status {
	r := Status{
		Phase: state.Idle, Package: s.cfg.Version, Active: s.running(st),
		Candidate: st.Candidate, Previous: st.Previous, Bad: st.Bad, Hold: st.Hold, Pin: st.Pin, Last: st.Last,
	}
	if st.Launch != nil {
		r.Selected = &st.Launch.Image
	}
	switch {
	case st.OnTrial():
		r.Phase = state.Trying
	case st.Candidate != nil:
		r.Phase = state.Applied
	case st.Last != nil:
		r.Phase = st.Last.Phase
	}
	return r
}

// ReadStatus reads a status file, as the agent does.
func ReadStatus(path string) (Status, error) {
	var r Status
	f, err := os.Open(path)
	if err != nil {
		return r, fmt.Errorf("reading the status of self-update: %w", err)
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, 128<<10)).Decode(&r); err != nil {
		return r, fmt.Errorf("reading the status of self-update from %q: %w", path, err)
	}
	return r, nil
}

// publish writes the status file. It repeats what state.json says, so that
// a failure is not one of the update.
func (s *Slots) publish(st state.State) {
	data, err := json.MarshalIndent(s.status(st), "", "  ")
	dir := filepath.Dir(s.cfg.Status)
	if err == nil {
		err = s.runFolder(dir)
	}
	if err == nil {
		_ = atomicfile.Sweep(dir)
		err = atomicfile.WriteFile(s.cfg.Status, append(data, '\n'), 0o644)
	}
	if err != nil {
		s.log.Warn("status of self-update not written", "err", err)
	}
}

const maxAudit = 1 << 20

// audit appends to root's own record; everything in it is bounded by
// package state. It grows to a megabyte and one older file.
func (s *Slots) audit(act string, e *state.Event) {
	line, err := json.Marshal(struct {
		Act string `json:"act"`
		*state.Event
	}{"update_" + act, e})
	if err == nil {
		err = appendLine(filepath.Join(s.cfg.State, "audit.jsonl"), append(line, '\n'))
	}
	if err != nil {
		s.log.Warn("audit of self-update not written", "err", err)
	}
}

func appendLine(path string, line []byte) error {
	if info, err := os.Lstat(path); err == nil && info.Size()+int64(len(line)) > maxAudit {
		if err := os.Rename(path, path+".1"); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Close())
}
