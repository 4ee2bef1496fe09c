package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/plainfile"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
)

const (
	format     = 1
	maxFile    = 64 << 10
	maxText    = 300
	maxVersion = 64
)

// ErrTorn means that state.json exists and cannot be used.
var ErrTorn = errors.New("the state of self-update cannot be used")

// Load reads state.json. A missing file is fs.ErrNotExist, and a file that cannot be used
// [ErrTorn]; with both it returns an empty state to continue with.
func Load(path string) (State, error) {
	f, _, err := plainfile.Open(path)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%w: %w", ErrTorn, err)
		}
		return New(), err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return New(), fmt.Errorf("%w: reading %q: %w", ErrTorn, path, err)
	}
	s, err := Decode(data)
	if err != nil {
		return New(), fmt.Errorf("%w: reading %q: %w", ErrTorn, path, err)
	}
	return s, nil
}

// Save replaces state.json, durably.
func Save(path string, s State) error {
	data, err := Encode(s)
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	return atomicfile.WriteFile(path, data, 0o600)
}

// Encode returns the content of state.json.
func Encode(s State) ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	return append(data, '\n'), err
}

// Decode reads the content of state.json. It is strict: anything that [Encode] does not write is an
// error.
func Decode(data []byte) (State, error) {
	if len(data) > maxFile {
		return State{}, fmt.Errorf("more than %d bytes", maxFile)
	}
	r := bytes.NewReader(data)
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var s State
	if err := d.Decode(&s); err != nil {
		return State{}, err
	}
	if rest, err := io.ReadAll(io.MultiReader(d.Buffered(), r)); err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return State{}, errors.New("something follows the state")
	}
	return s, s.validate()
}

func (s State) validate() error {
	if s.Format != format {
		return fmt.Errorf("format %d, not %d", s.Format, format)
	}
	programs := map[string]*handover.Image{"active": s.Active, "previous": s.Previous}
	if c := s.Candidate; c != nil {
		programs["candidate"] = &c.Image
		if c.Tries < 0 || c.Tries > maxTries || c.Returned < 0 || c.Returned > maxReturned {
			return fmt.Errorf("candidate: %d tries, %d returned", c.Tries, c.Returned)
		}
	}
	used := map[handover.Slot]string{}
	for _, name := range []string{"active", "candidate", "previous"} {
		i := programs[name]
		if i == nil {
			continue
		}
		if other, twice := used[i.Slot]; twice || i.Slot == handover.Baseline {
			return fmt.Errorf("%s: slot %q cannot be (already %q)", name, i.Slot, other)
		}
		used[i.Slot] = name
		if err := validateImage(*i); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if s.Launch != nil {
		if err := validateImage(s.Launch.Image); err != nil {
			return fmt.Errorf("launch: %w", err)
		}
	}
	return s.validateTexts()
}

func (s State) validateTexts() error {
	texts := []string{s.Hold}
	if s.Pin != "" && !IsVersion(s.Pin) {
		return fmt.Errorf("pin %q is not a version", s.Pin)
	}
	if b := s.BaselineSeen; b != nil {
		if !b.SHA256.Valid() {
			return fmt.Errorf("baseline_seen: %q is not a SHA-256", b.SHA256)
		}
		texts = append(texts, b.Version)
	}
	if len(s.Bad) > maxBad {
		return fmt.Errorf("%d bad releases", len(s.Bad))
	}
	for _, m := range s.Bad {
		if !m.SHA256.Valid() {
			return fmt.Errorf("bad: %q is not a SHA-256", m.SHA256)
		}
		texts = append(texts, m.Version, string(m.Class), m.Reason)
	}
	if l := s.Last; l != nil {
		texts = append(texts, l.Version, string(l.Phase), l.Code, l.Reason)
	}
	for _, t := range texts {
		if t != Text(t) {
			return errors.New("a text is too long or not printable")
		}
	}
	return nil
}

func validateImage(i handover.Image) error {
	switch {
	case i.Slot != handover.SlotA && i.Slot != handover.SlotB && i.Slot != handover.Baseline:
		return fmt.Errorf("there is no slot %q", i.Slot)
	case !i.SHA256.Valid() && i.Slot != handover.Baseline: // a baseline that cannot be read is started all the same
		return fmt.Errorf("%q is not a SHA-256", i.SHA256)
	case i.Size < 0 || i.Size > release.MaxSize:
		return fmt.Errorf("a program of %d bytes", i.Size)
	case i.Version != Text(i.Version) || len(i.Version) > maxVersion:
		return fmt.Errorf("%q is not a version", Text(i.Version))
	}
	return nil
}

// Text returns a text for people in a form that may be stored: plain (see [plain.Line]), and of at most 300
// bytes.
func Text(s string) string { return plain.Head(plain.Line(s), maxText) }
