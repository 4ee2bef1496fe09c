package fault

import (
	"strings"

	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/link/wire"
)

// Row is one code of the table.
type Row struct {
	Code Code
	Hint string
}

// table is the only list of codes and hints, but for those of the proxy (proxy.Hints) and those
// that the cloud sends (cloudHints).
var table = []Row{
	{"dns.not_found", "check brokerHost and this host's DNS; behind a proxy set proxyHost and proxyTC"},
	{"dns.failed", "this host's DNS does not answer: check /etc/resolv.conf and the network; behind a proxy set proxyHost and proxyTC"},
	{"tcp.refused", "nothing listens there: check brokerHost and its port (62000), or whether the cloud is down"},
	{"tcp.timeout", "a firewall drops the packets: outbound TCP to port 62000 must be allowed, or use a proxy"},
	{"tcp.unreachable", "check this host's network and routes"},
	{"tcp.failed", "check brokerHost and the network"},

	{"tls.unknown_authority", "the certificate is issued by a CA that is not trusted: enroll with a fresh bundle, or, where a proxy inspects TLS, add its CA to the private CAs"},
	{"tls.expired", "this host's clock and the cloud's certificate disagree: see that the clocks of both hosts are right; if they are, the certificate must be renewed"},
	{"tls.name_mismatch", "brokerHost must be a name that is in the cloud's certificate"},
	{"tls.certificate", "the cloud's certificate is not acceptable: ask the cloud's administrators"},
	{"tls.client_certificate", "the cloud refuses this server's certificate: enroll with a fresh bundle"},
	{"tls.not_tls", "what answers does not speak TLS: check brokerHost and its port (62000)"},
	{"tls.no_protocol", "what answers is not a message broker: check brokerHost and its port (62000), or try queueTransport=websocket"},
	{"tls.version", "a device on the way speaks only old TLS versions: try queueTransport=websocket, or exempt the connection from inspection"},
	{"tls.closed", "a firewall or an inspecting proxy cuts the connection: try queueTransport=websocket, or exempt the connection from inspection"},
	{"tls.timeout", "the TLS handshake was not answered: a firewall or an inspecting proxy may hold it back"},
	{"tls.settings", "the keystore or the trusted CAs cannot be read: check the files, or enroll again"},
	{"tls.failed", "see the message"},

	{"websocket.upgrade", "what answers is not the broker's WebSocket endpoint: check brokerHost, its port and what stands in between"},
	{"websocket.closed", "the connection was cut during the WebSocket handshake"},
	{"websocket.timeout", "the WebSocket handshake was not answered in time"},
	{"websocket.failed", "see the message"},

	{"hello.invalid", "check serverXid, serverName and brokerToken, or enroll again"},
	{"hello.timeout", "the cloud accepted the connection but did not answer: it may be overloaded"},
	{"hello.closed", "the cloud closed the connection without a reason: see its log"},

	{"session.closed", "the connection ended; it is made anew"},
	{"session.cut", "the connection was cut by the network or the other side; it is made anew"},
	{"session.write", "the cloud or the network does not take our data"},
}

// cloudHints are the hints for the codes of wire.Error and wire.GoAway, some of which the agent
// itself finds as well. The prefix "hello." or "session." says when it happened.
var cloudHints = map[wire.Code]string{
	wire.CodeProtocol:      "agent and cloud do not understand each other: check both versions",
	wire.CodeBadToken:      "brokerToken does not belong to this server: enroll with a fresh bundle",
	wire.CodeUnknownServer: "the cloud does not know this serverXid: enroll with a fresh bundle",
	wire.CodeCertificate:   "the client certificate does not belong to this server: enroll with a fresh bundle",
	wire.CodeClock:         "the cloud's clock and this server's certificate disagree: see that the clocks of both hosts are right; if they are, enroll with a fresh bundle",
	wire.CodeRevoked:       "this server was revoked: ask the cloud's administrators, or enroll with a fresh bundle",
	wire.CodeInactive:      "the Environment is not active: activate it in the cloud",
	wire.CodeFenced:        "another agent with the same serverXid is connected: stop it, or enroll this one as a server of its own",
	wire.CodeInUse: "two hosts run with one identity: was this machine cloned? \"tccloud server show\" lists them and says how to choose; " +
		"on the one that is not the server run \"tcenvsvr unenroll\", then \"tcenvsvr enroll\" with a bundle of its own",
	wire.CodeRetryLater: "the cloud is busy; the agent tries again when it was told to",
	wire.CodeShutdown:   "this part of the cloud stops; the agent connects to its successor",
	wire.CodeRebalance:  "the agent connects to another part of the cloud, which has fewer servers",
	wire.CodeHeartbeat:  "one side heard nothing of the other for 2.5 heartbeats: the network or a device on the way froze the connection",
}

// Codes returns every code with its hint, for help and documentation.
func Codes() []Row {
	rows := append([]Row(nil), table...)
	for code, hint := range proxy.Hints {
		rows = append(rows, Row{Code(code), hint})
	}
	for code, hint := range cloudHints {
		rows = append(rows, Row{Code("hello." + code), hint}, Row{Code("session." + code), hint})
	}
	return rows
}

// Hint returns what to try for a code, "" for an unknown one.
func Hint(code Code) string {
	for _, r := range table {
		if r.Code == code {
			return r.Hint
		}
	}
	if hint, ok := proxy.Hints[proxy.Code(code)]; ok {
		return hint
	}
	_, name, _ := strings.Cut(string(code), ".")
	return cloudHints[wire.Code(name)]
}
