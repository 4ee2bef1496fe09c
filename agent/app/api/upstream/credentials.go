package upstream

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Names of credentials in the environment and in files: those that developers of Apps have there
// already.
const (
	nameID            = "TC_API_ACCESS_ID"
	nameKey           = "TC_API_SECRET_KEY"
	nameToken         = "TC_TOKEN"
	nameProxyUser     = "TC_PROXY_USERNAME"
	nameProxyPassword = "TC_PROXY_PASSWORD"
)

// MaxFile is the most bytes of a file of credentials.
const MaxFile = 64 << 10

// ErrCredentials means that there are none, or not all that belong together.
var ErrCredentials = errors.New("give " + nameID + " and " + nameKey + ", or " + nameToken)

// Credentials are those of an API user, or a token, and those of a proxy. They do not print.
type Credentials struct {
	id, key, token           string
	proxyUser, proxyPassword string
}

const redacted = "[redacted]"

// String implements fmt.Stringer.
func (c Credentials) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (c Credentials) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }

// Parse reads a file of lines NAME=VALUE. Errors name lines and never quote them.
func Parse(data []byte) (Credentials, error) {
	values := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		switch name {
		case nameID, nameKey, nameToken, nameProxyUser, nameProxyPassword:
		default:
			ok = false
		}
		if _, twice := values[name]; !ok || twice {
			return Credentials{}, fmt.Errorf("line %d is not NAME=VALUE with one of the names %s, %s, %s, %s and %s, each once",
				n, nameID, nameKey, nameToken, nameProxyUser, nameProxyPassword)
		}
		values[name] = value
	}
	if lines.Err() != nil {
		return Credentials{}, errors.New("a line is too long")
	}
	return FromEnvironment(func(name string) string { return values[name] })
}

// FromEnvironment returns the credentials in an environment.
func FromEnvironment(getenv func(string) string) (Credentials, error) {
	c := Credentials{getenv(nameID), getenv(nameKey), getenv(nameToken), getenv(nameProxyUser), getenv(nameProxyPassword)}
	hmac := c.id != "" && c.key != ""
	switch {
	case (c.id == "") != (c.key == ""), hmac == (c.token != ""):
		return Credentials{}, ErrCredentials
	case strings.ContainsFunc(c.id+c.token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.Contains(c.id, ":"):
		return Credentials{}, errors.New("an access id or token has characters that none has")
	}
	return c, nil
}

// sign adds the headers that authenticate a request. Its URL must be as it is sent.
func (c Credentials) sign(r *http.Request, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Timestamp", stamp)
	if c.token != "" {
		r.Header.Set("Authorization", "TC-Token "+c.token)
		return
	}
	h := hmac.New(sha256.New, []byte(c.key))
	h.Write([]byte(r.URL.RequestURI() + ":" + r.Method + ":" + stamp))
	r.Header.Set("Authorization", "TC "+c.id+":"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
}

// proxy adds the credentials for the proxy, if there are any and the URL has none.
func (c Credentials) proxy(u *url.URL) *url.URL {
	if u == nil || c.proxyUser == "" || u.User != nil {
		return u
	}
	with := *u
	with.User = url.UserPassword(c.proxyUser, c.proxyPassword)
	return &with
}
