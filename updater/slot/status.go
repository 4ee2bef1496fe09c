package slot

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot/state"
)

// State reads root's state and returns it as a status. It changes nothing.
func (s *Slots) State() (handover.Status, error) {
	st, err := s.load()
	return s.status(st), err
}

func (s *Slots) status(st state.State) handover.Status {
	r := handover.Status{
		Phase: handover.Idle, Package: s.cfg.Version, Active: s.running(st),
		Candidate: st.Candidate, Previous: st.Previous, Bad: st.Bad, Hold: st.Hold, Pin: st.Pin, Last: st.Last,
	}
	if st.Launch != nil {
		r.Selected = &st.Launch.Image
	}
	switch {
	case st.OnProbation():
		r.Phase = handover.Trying
	case st.Candidate != nil:
		r.Phase = handover.Applied
	case st.Last != nil:
		r.Phase = st.Last.Phase
	}
	return r
}

// publish writes the status file. It only repeats what state.json says, so a failure is logged and
// does not fail the update.
func (s *Slots) publish(st state.State) {
	dir := filepath.Dir(s.cfg.Status)
	err := s.runFolder(dir)
	if err == nil {
		_ = atomicfile.Sweep(dir)
		err = handover.WriteStatus(s.cfg.Status, s.status(st))
	}
	if err != nil {
		s.log.Warn("status of self-update not written", "err", err)
	}
}

const maxAudit = 1 << 20 // bytes

// audit appends to root's own record. Package state bounds everything that is in a line; the file
// grows to maxAudit, and one older file is kept.
func (s *Slots) audit(act string, e *handover.Event) {
	line, err := json.Marshal(struct {
		Act string `json:"act"`
		*handover.Event
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
