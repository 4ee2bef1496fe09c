package settings

import (
	"fmt"
	"regexp"

	"tcenvsvr/agent/logging/nearest"
)

// A ValueError says that a setting does not allow a value.
type ValueError struct {
	Key    string
	Value  string // without secrets: see [Cut]
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
	return &UnknownKeyError{key, nearestKey(key), o}
}

var (
	userinfo = regexp.MustCompile(`(?s)^([A-Za-z][A-Za-z0-9+.-]*:/*)?.*@`)
	query    = regexp.MustCompile(`(?s)[?#].+$`)
)

// Cut returns a value that was refused, without the parts in which URLs have secrets: the user with
// his password, and what follows a "?" or "#".
func Cut(value string) string {
	value = query.ReplaceAllStringFunc(value, func(q string) string { return q[:1] + redacted })
	return userinfo.ReplaceAllString(value, "${1}"+redacted+"@")
}

func valueError(s Setting, value, want string, o Origin) *ValueError {
	if s.Secret {
		value = redacted
	}
	return &ValueError{Key: s.Name, Value: Cut(value), Want: want, Origin: o}
}

// nearestKey returns the setting whose name looks most like key, or "" if none does.
func nearestKey(key string) string {
	names := make([]string, len(All))
	for i, s := range All {
		names[i] = s.Name
	}
	return nearest.Of(key, names)
}
