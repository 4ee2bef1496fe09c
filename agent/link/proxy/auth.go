package proxy

import (
	"encoding/base64"
	"errors"
	"strings"
)

// An authenticator answers one scheme's challenges while one tunnel is opened. Every tunnel has its
// own.
type authenticator interface {
	// answer returns the value of Proxy-Authorization for a challenge, which is what follows the
	// scheme's name in Proxy-Authenticate and may be empty. errRefused: the last answer was not
	// accepted.
	answer(challenge string) (string, error)
}

// errRefused means that the proxy did not accept the authenticator's last answer.
var errRefused = errors.New("the proxy refused the credentials")

// scheme is one authentication scheme.
type scheme struct {
	name string // lower case
	// unasked: answer("") works without a challenge from the proxy.
	unasked bool
	// bound: its answers belong to the connection that carried the challenge, as those of NTLM and
	// Negotiate do.
	bound bool
	new   func(Config) authenticator
}

// schemes lists the schemes that we can answer, strongest first.
var schemes = []scheme{
	{name: "Basic", unasked: true, new: newBasic},
}

// basic is RFC 7617: the same answer each time, so that a second challenge means the credentials
// are wrong.
type basic struct {
	value string
	given bool
}

func newBasic(c Config) authenticator {
	return &basic{value: "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))}
}

func (b *basic) answer(string) (string, error) {
	if b.given {
		return "", errRefused
	}
	b.given = true
	return b.value, nil
}

// challenge is one offer of a Proxy-Authenticate header.
type challenge struct {
	scheme string // as the proxy spells it
	params string // what follows
}

// choose returns the strongest scheme that the proxy offers, or nil.
func (d *Dialer) choose(offers []challenge) (*scheme, string) {
	for i := range d.schemes {
		for _, o := range offers {
			if strings.EqualFold(o.scheme, d.schemes[i].name) {
				return &d.schemes[i], o.params
			}
		}
	}
	return nil, ""
}

// parseChallenges reads the values of all Proxy-Authenticate headers: challenges separated by
// commas, which also separate the parameters within one (RFC 9110 §11.6.1).
func parseChallenges(headers []string) []challenge {
	var out []challenge
	for _, h := range headers {
		for _, item := range splitUnquoted(h) {
			word, rest, _ := strings.Cut(item, " ")
			rest = strings.TrimSpace(rest)
			isParam := strings.Contains(word, "=") || strings.HasPrefix(rest, "=")
			switch {
			case !isParam:
				out = append(out, challenge{word, rest})
			case len(out) > 0:
				out[len(out)-1].params += ", " + item
			}
		}
	}
	return out
}

// splitUnquoted splits at commas outside of quoted strings and drops what is empty.
func splitUnquoted(s string) []string {
	var out []string
	start, quoted := 0, false
	add := func(item string) {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			add(s[start:i])
			start = i + 1
		}
	}
	add(s[start:])
	return out
}
