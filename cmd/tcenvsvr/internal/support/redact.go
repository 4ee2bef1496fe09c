package support

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const redacted = "[redacted]"

// shortest is the length from which on a secret is searched for. A shorter one would redact half of
// the text, and so show what it is.
const shortest = 4

// announced are patterns of words that announce a secret, and of what the keychain has sealed.
var announced = []struct {
	found *regexp.Regexp
	kept  string
}{
	{regexp.MustCompile(`ENC\[[^\]\s]*\]?`), redacted},
	{regexp.MustCompile(`(?i)\b(authorization"?\s*[:=]\s*"?)((?:basic|bearer|negotiate|ntlm|digest|tc)\s+)?[^\s",;]+`), "${1}" + redacted},
	{regexp.MustCompile(`(?i)((?:password|passwd|token|secret|api_?key)"?\s*[:=]\s*"?)[^\s"',;&]+`), "${1}" + redacted},
	{regexp.MustCompile(`(://)[^/\s:@"]+:[^/\s@"]+@`), "${1}" + redacted + "@"},
}

// Redactor replaces secrets by [redacted].
type Redactor struct{ known *strings.Replacer }

// NewRedactor returns a Redactor for these secrets, in all forms in which they travel. It also
// redacts what follows words that announce a secret.
func NewRedactor(secrets ...string) Redactor {
	var forms []string
	for _, s := range secrets {
		if len(s) < shortest {
			continue
		}
		quoted := strconv.Quote(s)
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), quoted[1:len(quoted)-1],
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)))
	}
	// The longest first: a secret may begin with another one.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, redacted)
	}
	return Redactor{strings.NewReplacer(pairs...)}
}

// Redact returns text without secrets.
func (r Redactor) Redact(text string) string {
	text = r.known.Replace(text)
	for _, a := range announced {
		text = a.found.ReplaceAllString(text, a.kept)
	}
	return text
}
