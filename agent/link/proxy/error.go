package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// Code names a kind of failure; codes are shown by `tcenvsvr status` and tested by name.
type Code string

// The codes.
const (
	CodeDNS         Code = "proxy.dns"              // the proxy's own name is not found
	CodeRefused     Code = "proxy.refused"          // nothing listens at the proxy's address
	CodeTimeout     Code = "proxy.timeout"          // no answer in time
	CodeUnreachable Code = "proxy.unreachable"      // no route to the proxy
	CodeDial        Code = "proxy.dial"             // any other failure to reach the proxy
	CodeTLS         Code = "proxy.tls"              // TLS to an https:// proxy
	CodeAuth        Code = "proxy.auth"             // 407, or SOCKS authentication
	CodeForbidden   Code = "proxy.forbidden"        // 403: the proxy's rules
	CodeTarget      Code = "proxy.target"           // the proxy could not reach the target (5xx)
	CodeStatus      Code = "proxy.status"           // any other status
	CodeClosed      Code = "proxy.closed"           // closed before its answer was complete
	CodeTooLarge    Code = "proxy.header_too_large" // the answer's header has no end
	CodeNotHTTP     Code = "proxy.not_http"         // what answers speaks something else
	CodeNotSOCKS    Code = "proxy.not_socks"
)

// Step says how far a connection came.
type Step string

// The steps, in order.
const (
	StepDial    Step = "dial"    // reaching the proxy
	StepTLS     Step = "tls"     // TLS to an https:// proxy
	StepConnect Step = "connect" // asking it for the target
)

// Hints maps each code to what a person should try. [Error.Hint] is more precise where it can be.
var Hints = map[Code]string{
	CodeDNS:         "check proxyHost and this host's DNS",
	CodeRefused:     "check proxyHost and proxyPort; is the proxy running?",
	CodeTimeout:     "check proxyHost and proxyPort, and that firewalls let this host reach the proxy",
	CodeUnreachable: "check this host's network and routes",
	CodeDial:        "check proxyHost and proxyPort",
	CodeTLS:         "check that the proxy's certificate is issued by a CA this host trusts; for a proxy without TLS write proxyHost without https://",
	CodeAuth:        "check proxyUsername and proxyPassword",
	CodeForbidden:   "ask the proxy's administrators to allow CONNECT to this host and port",
	CodeTarget:      "the proxy works but cannot reach the destination: check the host name and the proxy's own DNS and firewall",
	CodeStatus:      "ask the proxy's administrators for the reason",
	CodeClosed:      "check that proxyHost and proxyPort are an HTTP proxy that allows CONNECT (with https:// where it wants TLS)",
	CodeTooLarge:    "check that proxyHost and proxyPort are an HTTP proxy",
	CodeNotHTTP:     "check proxyPort and the scheme of proxyHost (http://, https:// or socks5://)",
	CodeNotSOCKS:    "check proxyPort and the scheme of proxyHost (http://, https:// or socks5://)",
}

// Error says what went wrong between us, the proxy and the target. It never contains credentials.
type Error struct {
	Code   Code
	Step   Step
	Proxy  string   // the proxy's URL without credentials
	Target string   // host:port asked for
	Status int      // HTTP status, 0 if there was none
	Reason string   // the proxy's own words, one plain line, ≤ 300 bytes
	Offers []string // authentication schemes offered with 407, as the proxy spells them
	Err    error    // the cause, if there is one

	hint string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	switch e.Step {
	case StepDial:
		fmt.Fprintf(&b, "reaching proxy %q", e.Proxy)
	case StepTLS:
		fmt.Fprintf(&b, "starting TLS with proxy %q", e.Proxy)
	default:
		fmt.Fprintf(&b, "asking proxy %q for %q", e.Proxy, e.Target)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": status %d", e.Status)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	if len(e.Offers) > 0 {
		fmt.Fprintf(&b, " (the proxy offers %s)", strings.Join(e.Offers, ", "))
	}
	switch {
	case e.Err == nil:
	case e.Step != StepDial && isTimeout(e.Err): // the deadline's own words say nothing to people
		b.WriteString(": no answer in time")
	default:
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says which settings to check.
func (e *Error) Hint() string {
	if e.hint != "" {
		return e.hint
	}
	return Hints[e.Code]
}

// DialReason sorts an error of dialing TCP: "dns", "refused", "timeout", "unreachable", or "dial"
// for any other.
func DialReason(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns"
	}
	switch {
	case isAny(err, refused):
		return "refused"
	case isAny(err, unreachable):
		return "unreachable"
	case isTimeout(err) || isAny(err, timedOut):
		return "timeout"
	}
	return "dial"
}

func isAny(err error, targets []error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

func (d *Dialer) fail(code Code, step Step, target string, err error) *Error {
	return &Error{Code: code, Step: step, Proxy: d.proxy.String(), Target: target, Err: err}
}
