package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/link/wire"
)

func remote(alert string) error {
	return &net.OpError{Op: "remote error", Err: errors.New("tls: " + alert)}
}

// Errors that are hard to cause; the others are caused for real in package link.
func TestClassify(t *testing.T) {
	dns := &net.DNSError{Err: "no such host", Name: "broker.test", IsNotFound: true}
	tests := []struct {
		got  *Fault
		step Step
		code Code
	}{
		{Dialing(&net.OpError{Op: "dial", Err: dns}), DNS, "dns.not_found"},
		{Dialing(&net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true}), DNS, "dns.failed"},
		{Dialing(&net.DNSError{Err: "i/o timeout", Name: "x", IsTimeout: true}), DNS, "dns.failed"},
		{Dialing(context.DeadlineExceeded), TCP, "tcp.timeout"},
		{Dialing(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}), TCP, "tcp.timeout"},
		{Dialing(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}), TCP, "tcp.unreachable"},
		{Dialing(errors.New("odd")), TCP, "tcp.failed"},
		{Dialing(fmt.Errorf("dialing: %w", &proxy.Error{Code: proxy.CodeForbidden})), Proxy, "proxy.forbidden"},
		{Handshake(remote("bad certificate")), TLS, "tls.client_certificate"},
		{Handshake(remote("certificate required")), TLS, "tls.client_certificate"},
		{Handshake(remote("unknown certificate authority")), TLS, "tls.client_certificate"},
		{Handshake(remote("protocol version not supported")), TLS, "tls.version"},
		{Handshake(remote("no application protocol")), TLS, "tls.no_protocol"},
		{Handshake(remote("internal error")), TLS, "tls.failed"},
		{Handshake(io.EOF), TLS, "tls.closed"},
		{Handshake(context.DeadlineExceeded), TLS, "tls.timeout"},
		{Upgrading(0, remote("certificate required")), TLS, "tls.client_certificate"},
		{Upgrading(502, errors.New("bad handshake")), WebSocket, "websocket.upgrade"},
		{Upgrading(0, io.ErrUnexpectedEOF), WebSocket, "websocket.closed"},
		{Upgrading(0, os.ErrDeadlineExceeded), WebSocket, "websocket.timeout"},
		{Upgrading(0, errors.New("odd")), WebSocket, "websocket.failed"},
		{Reading(Hello, os.ErrDeadlineExceeded), Hello, "hello.timeout"},
		{Reading(Hello, io.EOF), Hello, "hello.closed"},
		{Reading(Hello, fmt.Errorf("reading frame: %w", wire.ErrFrameTooLarge)), Hello, "hello.protocol"},
		{Reading(Hello, remote("expired certificate")), TLS, "tls.client_certificate"},
		{Reading(Session, fmt.Errorf("%w: x", conn.ErrClosedByPeer)), Session, "session.closed"},
		{Reading(Session, syscall.ECONNRESET), Session, "session.cut"},
		{Refused(Session, &wire.Error{Code: "Odd Code\x1b"}), Session, "session.?dd??ode?"},
	}
	for _, tt := range tests {
		if tt.got.Step != tt.step || tt.got.Code != tt.code {
			t.Errorf("%q is %s/%s, want %s/%s", tt.got.Message, tt.got.Step, tt.got.Code, tt.step, tt.code)
		}
		if tt.got.Message == "" {
			t.Errorf("%s has no message", tt.code)
		}
	}
}

// Every code has one hint, in the one table.
func TestTable(t *testing.T) {
	seen := map[Code]bool{}
	form := regexp.MustCompile(`^(dns|tcp|proxy|tls|websocket|hello|session)\.[a-z_]+$`)
	for _, r := range Codes() {
		if r.Hint == "" || !form.MatchString(string(r.Code)) {
			t.Errorf("row %q: %q", r.Code, r.Hint)
		}
		if Hint(r.Code) == "" {
			t.Errorf("no hint is found for %q", r.Code)
		}
		if seen[r.Code] {
			t.Errorf("%q is there twice", r.Code)
		}
		seen[r.Code] = true
	}
	// The codes that classifying can give are in the table.
	src, err := os.ReadFile("classify.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"((?:dns|tcp|tls|websocket|hello|session)\.[a-z_]+)"`).FindAllStringSubmatch(string(src), -1) {
		if code := Code(m[1]); !seen[code] && code != "tcp.dial" {
			t.Errorf("%q is not in the table", code)
		}
	}
}

func TestMessageIsPlain(t *testing.T) {
	got := New(Hello, "hello.revoked", nil, "%s", "a\x1b[31mb\nc\xff"+strings.Repeat("ü", 1000)).Message
	if !strings.HasPrefix(got, "a?[31mb c?ü") || len(got) > 600 {
		t.Errorf("got %q", got)
	}
}
