package handover

import (
	"encoding/hex"
	"strings"
	"time"
)

// A Slot names where a program lies on this host.
type Slot string

// The two slots that updates write, and the package's own program, which no update writes.
const (
	SlotA    Slot = "a"
	SlotB    Slot = "b"
	Baseline Slot = "baseline"
)

// Other returns the slot that is not s.
func (s Slot) Other() Slot {
	if s == SlotA {
		return SlotB
	}
	return SlotA
}

// Sum is a SHA-256 in 64 lower-case hexadecimal digits.
type Sum string

// Valid reports whether s has the form of a [Sum].
func (s Sum) Valid() bool {
	b, err := hex.DecodeString(string(s))
	return err == nil && len(b) == 32 && strings.ToLower(string(s)) == string(s)
}

// Image is a program on this host: where it lies and what its content must be.
type Image struct {
	Slot    Slot   `json:"slot"`
	Version string `json:"version"`
	SHA256  Sum    `json:"sha256"`
	Size    int64  `json:"size"` // bytes
}

// Candidate is a new release on probation.
type Candidate struct {
	Image
	Tries    int   `json:"tries"`           // starts that count against it
	Returned int   `json:"returned"`        // starts that do not count: they ended for other reasons
	Class    Class `json:"class,omitempty"` // how its last start ended
}

// Mark says that a release failed on this host, and how. A marked release is not installed again
// until an administrator allows it.
type Mark struct {
	Version string    `json:"version"`
	SHA256  Sum       `json:"sha256"`
	Class   Class     `json:"class"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}
