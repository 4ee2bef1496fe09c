package settings

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// Secret holds a text that must not reach a log, a screen or a file by accident: however it is
// printed or marshalled, the result is "[redacted]". The text is behind a pointer because fmt
// cannot call the methods of an unexported field: there it prints an address, not the secret. The
// zero value is an empty secret. A secret that is still sealed by the keychain is not empty, but
// cannot be revealed.
type Secret struct{ text *string }

// sealedPrefix and a closing bracket enclose a text that the keychain sealed. No plain secret may
// begin with it.
const sealedPrefix = "ENC["

func isSealed(text string) bool { return strings.HasPrefix(text, sealedPrefix) }

// NewSecret returns a Secret that holds text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the text, "" for a sealed secret. The caller is responsible for where it goes.
func (s Secret) Reveal() string {
	if s.Sealed() {
		return ""
	}
	return s.raw()
}

// Sealed reports whether the keychain must open the secret first.
func (s Secret) Sealed() bool { return isSealed(s.raw()) }

func (s Secret) raw() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.text == nil }

// Equal compares the texts in constant time.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.raw()), []byte(o.raw())) == 1
}

// String returns "[redacted]", or nothing for an empty secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return redacted
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format is String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String; JSON, XML and YAML use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is String, quoted.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// UnmarshalText sets the text; loading a value uses it.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
