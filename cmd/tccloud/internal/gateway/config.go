package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// Server is the server that an agent proved to be.
type Server struct {
	XID            wire.ServerXID
	Name           string
	Environment    string // name; its orders go to this server
	ConfigRevision int64  // of the settings the cloud has for the server
	Bundle         string // which bundle's identity it has: a newer one's replaces an older one's
}

// Authenticator decides which agents may have a session. cert is the certificate that the agent
// presented; its chain was verified before (Config.ClientCAs). The agent gets the code of an error
// that is a [Denied], and retry_later for any other.
type Authenticator interface {
	Authenticate(ctx context.Context, xid wire.ServerXID, brokerToken string, cert *x509.Certificate) (Server, error)
	// Probe is Authenticate for an agent that only asks: no bundle or certificate comes into use by
	// it. With leave the server is revoked.
	Probe(ctx context.Context, xid wire.ServerXID, brokerToken string, cert *x509.Certificate, leave bool) (Server, error)
	// Renew signs a server's request for a new certificate. The agent gets the text of a [Denied];
	// for any other error it is asked to try later.
	Renew(ctx context.Context, xid wire.ServerXID, host twin.Host, m *wire.Renew) (*x509.Certificate, error)
}

// Denied is a refusal with its code on the wire.
type Denied struct {
	Code       wire.Code
	Message    string        // for people, never a secret
	RetryAfter time.Duration // 0 = as usual
}

// Error implements error.
func (d *Denied) Error() string { return string(d.Code) + ": " + d.Message }

// Services talk with the service Apps of connected servers.
type Services interface {
	// Said takes in what the App of an order has said; peer is its server's session. An error ends the
	// session, and the server says it again.
	Said(ctx context.Context, xid wire.ServerXID, peer dispatch.Peer, m *wire.ServiceSaid) error
	// TooLate takes in an event of an order that has ended meanwhile; errors as of Said.
	TooLate(ctx context.Context, xid wire.ServerXID, peer dispatch.Peer, m *wire.ServiceSaid) error
	// Gone tells that a session is over.
	Gone(peer dispatch.Peer)
}

// Config of a Gateway. Zero values take the default in brackets.
type Config struct {
	Listener net.Listener // plain TCP; nil: listen on Addr
	Addr     string       // [":62000"]
	// TLS holds the server's certificate (Certificates or GetCertificate). ALPN, ClientAuth and
	// versions are set by the gateway on its own copy.
	TLS *tls.Config
	// ClientCAs are the roots of client certificates; nil leaves the verification to Auth as well.
	ClientCAs *x509.CertPool
	Auth      Authenticator
	// SealKey takes the statement of a server's sealing key (package secret/envelope) and returns the
	// ids of all keys with which the server opens what is sealed. nil: servers open nothing.
	SealKey    func(ctx context.Context, srv Server, statement string) ([]string, error)
	Referee    Referee
	Drained    func(wire.ServerXID) bool // a server is to take no orders; nil: none is
	Brokers    func() []string           // that agents are told, host:port each; nil: none
	Dispatcher *dispatch.Dispatcher
	Services   Services      // nil: what services say is dropped
	Heartbeat  time.Duration // [10 s]
	HTTP       http.Handler  // other paths on the port [404]
	Logger     *slog.Logger

	HandshakeTimeout time.Duration // [10 s] from accept to the end of hello
	MaxPending       int           // [4096] connections not yet authenticated; more get retry_later
	GoAwayWindow     time.Duration // [5 s] over which agents come back after a shutdown
}

// Session is one connected server, as shown to people.
type Session struct {
	Server
	Name       string // what the server calls itself
	Version    string // of the agent
	OS, Arch   string
	Host       twin.Host
	Executors  int
	Epoch      int64
	Gateway    string // the gateway that has it
	RemoteAddr string
	Transport  string // "tls" or "websocket"
	Connected  time.Time
	RTT        time.Duration // last ping → pong, 0 before the first
	Skew       time.Duration // the server's clock minus the cloud's
	Credit     int           // orders it would take now, and
	Services   int           // services
	Info       *wire.Info    // last one, nil before the first
	InfoAt     time.Time
}
