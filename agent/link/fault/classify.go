package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/link/wire"
)

// Dialing names an error of a Dialer: the steps dns, tcp and proxy.
func Dialing(err error) *Fault {
	if p, ok := errors.AsType[*proxy.Error](err); ok {
		f := New(Proxy, Code(p.Code), err, "%v", err)
		f.Hint = p.Hint()
		return f
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		if d.IsNotFound {
			return New(DNS, "dns.not_found", err, "%v", err)
		}
		return New(DNS, "dns.failed", err, "%v", err)
	}
	code := Code("tcp." + proxy.DialReason(err))
	if code == "tcp.dial" {
		code = "tcp.failed"
	}
	return New(TCP, code, err, "%v", err)
}

// Handshake names an error of the TLS handshake with the cloud.
func Handshake(err error) *Fault {
	if f := certificate(err); f != nil {
		return f
	}
	if f := alert(err); f != nil {
		return f
	}
	if h, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return New(TLS, "tls.not_tls", err, "the other side does not speak TLS: it answered %q", h.RecordHeader[:])
	}
	switch {
	case isTimeout(err):
		return New(TLS, "tls.timeout", err, "the TLS handshake was not answered in time")
	case isCut(err):
		return New(TLS, "tls.closed", err, "the connection was closed during the TLS handshake: %v", err)
	}
	return New(TLS, "tls.failed", err, "%v", err)
}

// certificate names what is wrong with the certificate we were shown.
func certificate(err error) *Fault {
	v, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return nil
	}
	seen := "no certificate"
	if len(v.UnverifiedCertificates) > 0 {
		c := v.UnverifiedCertificates[0]
		last := v.UnverifiedCertificates[len(v.UnverifiedCertificates)-1]
		seen = fmt.Sprintf("certificate of %q, issued by %q, valid %s to %s", c.Subject, last.Issuer,
			c.NotBefore.Format("2006-01-02"), c.NotAfter.Format("2006-01-02"))
	}
	code := Code("tls.certificate")
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		code = "tls.unknown_authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		code = "tls.name_mismatch"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		code = "tls.expired"
	}
	// crypto/tls reports an unknown authority where our own CA has expired by this host's clock.
	// The certificates that arrived show better that the time is the problem.
	now := time.Now()
	for _, c := range v.UnverifiedCertificates {
		if now.After(c.NotAfter) || now.Before(c.NotBefore) {
			return New(TLS, "tls.expired", err, "this host's clock says %s, and the certificate of %q, issued by %q, is valid from %s to %s",
				now.UTC().Format(time.DateTime), c.Subject, c.Issuer, c.NotBefore.UTC().Format(time.DateTime), c.NotAfter.UTC().Format(time.DateTime))
		}
	}
	return New(TLS, code, err, "%v (%s)", v.Err, seen)
}

// alerts maps the texts of TLS alerts from the other side to codes. crypto/tls does not export the
// alert in a net.OpError, so only its text tells which one it was.
var alerts = []struct {
	text string
	code Code
}{
	{"no application protocol", "tls.no_protocol"},
	{"protocol version not supported", "tls.version"},
	{"certificate", "tls.client_certificate"}, // required, bad, unknown, expired, revoked, unsupported, authority
	{"access denied", "tls.client_certificate"},
}

// alert names an alert from the other side, nil if err is none.
func alert(err error) *Fault {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return nil
	}
	for _, a := range alerts {
		if strings.Contains(op.Err.Error(), a.text) {
			return New(TLS, a.code, err, "the cloud refused the TLS connection: %v", op.Err)
		}
	}
	return New(TLS, "tls.failed", err, "the cloud refused the TLS connection: %v", op.Err)
}

// Upgrading names an error of the WebSocket handshake. status is the HTTP status, 0 if there was no
// answer.
func Upgrading(status int, err error) *Fault {
	if f := alert(err); f != nil { // TLS 1.3: the peer verifies our certificate after our part of the handshake
		return f
	}
	switch {
	case status != 0:
		return New(WebSocket, "websocket.upgrade", err, "the other side answered status %d instead of switching to WebSocket", status)
	case isTimeout(err):
		return New(WebSocket, "websocket.timeout", err, "%v", err)
	case isCut(err):
		return New(WebSocket, "websocket.closed", err, "%v", err)
	}
	return New(WebSocket, "websocket.failed", err, "%v", err)
}

// Refused names the cloud's Error, before (Hello) or after (Session) the welcome.
func Refused(step Step, e *wire.Error) *Fault {
	code := strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '?'
	}, string(e.Code))
	message := e.Message
	if message == "" {
		message = "the cloud gave no reason"
	}
	return New(step, Code(string(step)+"."+code), nil, "%s", message)
}

// Reading names an error of reading, before (Hello) or after (Session) the welcome.
func Reading(step Step, err error) *Fault {
	if f := alert(err); f != nil {
		return f
	}
	prefix := string(step) + "."
	switch {
	case errors.Is(err, wire.ErrInvalid), errors.Is(err, wire.ErrUnknownKind),
		errors.Is(err, wire.ErrFrameTooLarge), errors.Is(err, wire.ErrEmptyFrame):
		return New(step, Code(prefix+"protocol"), err, "%v", err)
	case isTimeout(err) && step == Hello:
		return New(step, "hello.timeout", err, "the cloud did not answer hello in time")
	case isTimeout(err):
		return New(step, "session.heartbeat_lost", err, "nothing was heard from the cloud for 2.5 heartbeats")
	case step == Hello:
		return New(step, "hello.closed", err, "the connection ended before the welcome: %v", err)
	case errors.Is(err, conn.ErrClosedByPeer):
		return New(step, "session.closed", err, "the cloud closed the connection")
	}
	return New(step, "session.cut", err, "%v", err)
}

func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "forcibly closed")
}
