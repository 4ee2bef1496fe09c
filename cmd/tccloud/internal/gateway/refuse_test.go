package gateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// TestDenied: each reason has its name, on both transports.
func TestDenied(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	foreign, none := rig.NewCA(t).Issue(t, "s1"), tls.Certificate{}
	expired := c.CA.Issue(t, "s1", func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Minute) })
	other := c.CA.Issue(t, "s2")
	c.Auth.Deny("revoked", &gateway.Denied{Code: wire.CodeRevoked, Message: "revoked yesterday"})
	c.Auth.Deny("idle", &gateway.Denied{Code: wire.CodeInactive, RetryAfter: time.Minute})
	c.Auth.Deny("nobody", &gateway.Denied{Code: wire.CodeUnknownServer})
	const notAccepted = `the client certificate "s1" is not accepted: x509: certificate `
	for _, tc := range []struct {
		name string
		xid  wire.ServerXID
		d    rig.Dialing
		want wire.Code
		says string // within the message
	}{
		{"no certificate", "s1", rig.Dialing{Cert: &none}, wire.CodeCertificate, ""},
		{"foreign certificate", "s1", rig.Dialing{Cert: &foreign}, wire.CodeCertificate, notAccepted + "signed by unknown authority"},
		{"expired certificate", "s1", rig.Dialing{Cert: &expired}, wire.CodeCertificate, notAccepted + "has expired"},
		{"another server's certificate", "s1", rig.Dialing{Cert: &other}, wire.CodeCertificate, ""},
		{"server certificate", "cloud", rig.Dialing{Cert: &c.CA.Server}, wire.CodeCertificate, "specifies an incompatible key usage"},
		{"wrong token", "s1", rig.Dialing{Hello: func(h *wire.Hello) { h.BrokerToken = "guess" }}, wire.CodeBadToken, ""},
		{"newer protocol", "s1", rig.Dialing{Hello: func(h *wire.Hello) { h.Protocol = 2 }}, wire.CodeProtocol, ""},
		{"revoked", "revoked", rig.Dialing{}, wire.CodeRevoked, "revoked yesterday"},
		{"inactive", "idle", rig.Dialing{}, wire.CodeInactive, ""},
		{"unknown", "nobody", rig.Dialing{}, wire.CodeUnknownServer, ""},
	} {
		for _, ws := range []bool{false, true} {
			tc.d.WebSocket = ws
			_, err := c.Join(tc.xid, 1, tc.d)
			r, ok := errors.AsType[*rig.Refusal](err)
			if !ok || r.Why.Code != tc.want || !strings.Contains(r.Why.Message, tc.says) {
				t.Errorf("%s, websocket %v: %v, want %s %q", tc.name, ws, err, tc.want, tc.says)
			}
		}
	}
}

// TestHostile: whatever arrives instead of the protocol, the peer is told what is wrong where that
// is possible, and nobody else notices.
func TestHostile(t *testing.T) {
	c := rig.Start(t, rig.Options{Gateway: func(g *gateway.Config) { g.HandshakeTimeout = 500 * time.Millisecond }})
	good := c.Agent("good", 1)
	frame := func(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }
	hello := func(xid wire.ServerXID) []byte {
		b, err := wire.Encode(&wire.Hello{Protocol: 1, BrokerToken: "token-" + string(xid), ServerXID: xid, Slots: 1})
		if err != nil {
			t.Fatal(err)
		}
		return frame(string(b))
	}
	for _, tc := range []struct {
		name  string
		bytes []byte
		want  string // in what comes back
	}{
		{"silence", nil, ""},
		{"huge frame", []byte{0xff, 0xff, 0xff, 0xff}, "protocol"},
		{"empty frame", []byte{0, 0, 0, 0}, "protocol"},
		{"half a frame", []byte{0, 0, 1, 0, '{'}, ""},
		{"not JSON", frame("\x00\x01\x02"), "protocol"},
		{"unknown kind", frame(`{"kind":"open","body":{}}`), "protocol"},
		{"not hello", frame(`{"kind":"ping","body":{"seq":1}}`), "protocol"},
		{"a cloud's message after hello", append(hello("bad"), frame(`{"kind":"start","body":{"order":"x","attempt":1}}`)...), "an agent does not send"},
		{"garbage after hello", append(hello("bad"), "\xff\xff\xff\xff and a lot more"...), "protocol"},
		{"hello twice", append(hello("bad"), hello("bad")...), "protocol"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cert := c.CA.Issue(t, "bad")
			nc, err := tls.Dial("tcp", c.Gateway.Addr().String(), &tls.Config{
				RootCAs: c.CA.Pool, NextProtos: []string{wire.ALPN}, Certificates: []tls.Certificate{cert},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			nc.SetDeadline(time.Now().Add(rig.Timeout))
			nc.Write(tc.bytes)
			got, err := io.ReadAll(nc)
			if err != nil || !strings.Contains(string(got), tc.want) {
				t.Errorf("got %q, %v; want %q and the end", got, err, tc.want)
			}
		})
	}
	// Text where a WebSocket has frames, instead of hello and after it.
	for _, begin := range [][]byte{nil, hello("bad")[4:]} {
		d := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: c.CA.Pool, Certificates: []tls.Certificate{c.CA.Issue(t, "bad")}}}
		ws, res, err := d.Dial("wss://"+c.Gateway.Addr().String()+wire.WebSocketPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		defer ws.Close()
		_ = ws.SetReadDeadline(time.Now().Add(rig.Timeout))
		if begin != nil {
			if err := ws.WriteMessage(websocket.BinaryMessage, begin); err != nil {
				t.Fatal(err)
			}
		}
		if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"kind":"ping","body":{"seq":1}}`)); err != nil {
			t.Fatal(err)
		}
		var all []byte
		for err == nil {
			var frame []byte
			_, frame, err = ws.ReadMessage()
			all = append(all, frame...)
		}
		if !strings.Contains(string(all), "not a binary WebSocket message") {
			t.Errorf("text was answered with %q, %v", all, err)
		}
	}
	c.Submit()
	rig.Expect[*wire.Order](good)
}

// TestPlainHTTP: who forgets TLS is told so; who finds the port with a browser gets what is mounted
// there.
func TestPlainHTTP(t *testing.T) {
	c := rig.Start(t, rig.Options{Gateway: func(g *gateway.Config) {
		g.HTTP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "console "+r.URL.Path) })
	}})
	nc, err := net.Dial("tcp", c.Gateway.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(rig.Timeout))
	io.WriteString(nc, "GET /broker HTTP/1.1\r\nHost: x\r\n\r\n")
	got, err := io.ReadAll(nc)
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || !strings.Contains(string(got), "TLS") {
		t.Errorf("got %q, %v", got, err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.CA.Pool}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + c.Gateway.Addr().String() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "console /x" {
		t.Errorf("got %q", body)
	}
}

// TestTooMany: connections over the limit are told to come back later.
func TestTooMany(t *testing.T) {
	c := rig.Start(t, rig.Options{Gateway: func(g *gateway.Config) { g.MaxPending = 1 }})
	silent, err := c.Dial("s1", rig.Dialing{}) // takes the only place
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Join("s2", 1)
	if r, ok := errors.AsType[*rig.Refusal](err); !ok || r.Why.Code != wire.CodeRetryLater || r.Why.RetryAfterMS < 1000 {
		t.Errorf("over the limit: %v", err)
	}
	silent.Close()
	for end := time.Now().Add(rig.Timeout); err != nil && time.Now().Before(end); {
		_, err = c.Join("s2", 1)
	}
	if err != nil {
		t.Errorf("after the others left: %v", err)
	}
}
