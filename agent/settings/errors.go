package settings

import (
	"fmt"
	"strings"
)

// A ValueError says that a setting does not allow a value.
type ValueError struct {
	Key    string
	Value  string // "[redacted]" where the setting is secret
	Want   string // what is allowed
	Origin Origin
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("setting %q is %q (%s): want %s", e.Key, e.Value, e.Origin, e.Want)
}

// An UnknownKeyError says that a key names no setting.
type UnknownKeyError struct {
	Key     string
	Nearest string // the known key that looks most like it, "" if none does
	Origin  Origin
}

func (e *UnknownKeyError) Error() string {
	text := fmt.Sprintf("unknown setting %q (%s)", e.Key, e.Origin)
	if e.Nearest != "" {
		text += fmt.Sprintf(": did you mean %q?", e.Nearest)
	}
	return text
}

// A ConflictError says that settings do not fit together.
type ConflictError struct {
	Text string
	// Mends are changes in the form of "settings set", any one of which ends the conflict; CAPITALS
	// stand for a value.
	Mends []string
}

func (e *ConflictError) Error() string { return e.Text }

// Unknown returns the error for a key that names no setting, with the most similar name.
func Unknown(key string, o Origin) *UnknownKeyError {
	return &UnknownKeyError{key, nearest(key), o}
}

func valueError(s Setting, value, want string, o Origin) *ValueError {
	if s.Secret {
		value = redacted
	}
	return &ValueError{Key: s.Name, Value: value, Want: want, Origin: o}
}

// nearest returns the setting whose name differs from key in the fewest letters, or "" if those are
// more than a third of them.
func nearest(key string) string {
	best, least := "", len(key)/3+1
	for _, s := range All {
		if d := distance(strings.ToLower(key), strings.ToLower(s.Name)); d < least {
			best, least = s.Name, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
