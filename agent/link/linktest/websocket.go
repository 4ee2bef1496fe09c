package linktest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// upgrade answers one WebSocket handshake on c.
func upgrade(c net.Conn, br *bufio.Reader) (*conn.Conn, error) {
	req, err := http.ReadRequest(br)
	if err != nil {
		return nil, err
	}
	if req.URL.Path != wire.WebSocketPath {
		_, _ = fmt.Fprint(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		return nil, errors.New("not the broker's path")
	}
	var u websocket.Upgrader
	ws, err := u.Upgrade(&responder{c, br, http.Header{}}, req, nil)
	if err != nil {
		return nil, err
	}
	return conn.WebSocket(ws), nil
}

// responder is the part of an HTTP server that Upgrade uses.
type responder struct {
	c  net.Conn
	br *bufio.Reader
	h  http.Header
}

func (r *responder) Header() http.Header { return r.h }
func (r *responder) WriteHeader(code int) {
	_, _ = fmt.Fprintf(r.c, "HTTP/1.1 %d %s\r\nConnection: close\r\n\r\n", code, http.StatusText(code))
}
func (r *responder) Write(b []byte) (int, error) { return r.c.Write(b) }
func (r *responder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return r.c, bufio.NewReadWriter(r.br, bufio.NewWriter(r.c)), nil
}
