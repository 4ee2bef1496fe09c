package handover

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"tcenvsvr/agent/disk/atomicfile"
)

// maxStatus bounds the status file, in bytes.
const maxStatus = 128 << 10

// Status is what everybody on the host may know about self-update. Root writes it; the agent and
// the command line read it.
type Status struct {
	Phase     Phase      `json:"phase"`
	Package   string     `json:"package"`            // version of the baseline
	Active    string     `json:"active"`             // version that runs when no update is under way
	Selected  *Image     `json:"selected,omitempty"` // what was started last
	Candidate *Candidate `json:"candidate,omitempty"`
	Previous  *Image     `json:"previous,omitempty"`
	Bad       []Mark     `json:"bad,omitempty"`
	Hold      string     `json:"hold,omitempty"` // why no update is installed
	Pin       string     `json:"pin,omitempty"`  // the only version that is installed
	Last      *Event     `json:"last,omitempty"`
}

// ReadStatus reads the status file. It is fs.ErrNotExist on a host on which root's side never ran.
func ReadStatus(path string) (Status, error) {
	var s Status
	f, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("reading the status of self-update: %w", err)
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, maxStatus)).Decode(&s); err != nil {
		return s, fmt.Errorf("reading the status of self-update from %q: %w", path, err)
	}
	return s, nil
}

// WriteStatus replaces the status file.
func WriteStatus(path string, s Status) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, append(data, '\n'), 0o644)
}
