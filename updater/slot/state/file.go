package state

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/plain"
)

const (
	format     = 1
	maxFile    = 64 << 10
	maxText    = 300
	maxVersion = 64
	// MaxSize is the largest program that is taken, in bytes.
	MaxSize = 512 << 20
)

// ErrTorn says that state.json is there and cannot be used.
var ErrTorn = errors.New("the state of self-update cannot be used")

// Load reads state.json. A missing file is fs.ErrNotExist, one that cannot
// be used ErrTorn; both with an empty state to go on with.
func Load(path string) (State, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%w: %w", ErrTorn, err)
		}
		return New(), err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return New(), fmt.Errorf("%w: %q is not a regular file", ErrTorn, path)
	}
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

// Encode returns what Decode reads.
func Encode(s State) ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	return append(data, '\n'), err
}

// Decode is strict: what was not written by this format is an error.
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
	programs := map[string]*Image{"active": s.Active, "previous": s.Previous}
	if c := s.Candidate; c != nil {
		programs["candidate"] = &c.Image
		if c.Tries < 0 || c.Tries > maxTries || c.Returned < 0 || c.Returned > maxReturned {
			return fmt.Errorf("candidate: %d tries, %d returned", c.Tries, c.Returned)
		}
	}
	used := map[Slot]string{}
	for _, name := range []string{"active", "candidate", "previous"} {
		i := programs[name]
		if i == nil {
			continue
		}
		if other, twice := used[i.Slot]; twice || i.Slot == Baseline {
			return fmt.Errorf("%s: slot %q cannot be (already %q)", name, i.Slot, other)
		}
		used[i.Slot] = name
		if err := i.validate(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if s.Launch != nil {
		if err := s.Launch.validate(); err != nil {
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

func (i Image) validate() error {
	switch {
	case i.Slot != A && i.Slot != B && i.Slot != Baseline:
		return fmt.Errorf("there is no slot %q", i.Slot)
	case !i.SHA256.Valid() && i.Slot != Baseline: // one that cannot be read runs all the same
		return fmt.Errorf("%q is not a SHA-256", i.SHA256)
	case i.Size < 0 || i.Size > MaxSize:
		return fmt.Errorf("a program of %d bytes", i.Size)
	case i.Version != Text(i.Version) || len(i.Version) > maxVersion:
		return fmt.Errorf("%q is not a version", Text(i.Version))
	}
	return nil
}

// Valid reports whether s is what Sum says.
func (s Sum) Valid() bool {
	b, err := hex.DecodeString(string(s))
	return err == nil && len(b) == 32 && strings.ToLower(string(s)) == string(s)
}

// Text bounds what is stored for people, whoever wrote it.
func Text(s string) string { return plain.Head(plain.Line(s), maxText) }
