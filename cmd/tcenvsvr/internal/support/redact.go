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

// shortest is the length from which a secret is looked for: shorter ones
// would strike out half of the text and tell what they are.
const shortest = 4

// announced is what follows words that announce a secret, and what the keychain sealed.
var announced = []struct {
	found *regexp.Regexp
	kept  string
}{
	{regexp.MustCompile(`ENC\[[^\]\s]*\]?`), redacted},
	{regexp.MustCompile(`(?i)\b(authorization"?\s*[:=]\s*"?)((?:basic|bearer|negotiate|ntlm|digest|tc)\s+)?[^\s",;]+`), "${1}" + redacted},
	{regexp.MustCompile(`(?i)((?:password|passwd|token|secret|api_?key)"?\s*[:=]\s*"?)[^\s"',;&]+`), "${1}" + redacted},
	{regexp.MustCompile(`(://)[^/\s:@"]+:[^/\s@"]+@`), "${1}" + redacted + "@"},
}

// Redactor strikes out secrets.
type Redactor struct{ known *strings.Replacer }

// NewRedactor knows these secrets.
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
	// The longest first: a secret may begin with another.
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
