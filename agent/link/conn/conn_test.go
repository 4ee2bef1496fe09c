package conn_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// ends are both ends of one connection, and the socket below the first.
type ends struct {
	near, far *conn.Conn
	socket    net.Conn // of near
}

// both makes a connection of each transport.
var both = map[string]func(*testing.T) ends{
	"raw": func(t *testing.T) ends {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		near, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return closing(t, ends{conn.Raw(near), conn.Raw(far), near})
	},
	"websocket": func(t *testing.T) ends {
		var u websocket.Upgrader
		accepted := make(chan *websocket.Conn, 1)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ws, err := u.Upgrade(w, r, nil); err == nil {
				accepted <- ws
			}
		}))
		t.Cleanup(srv.Close)
		near, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return closing(t, ends{conn.WebSocket(near), conn.WebSocket(<-accepted), near.NetConn()})
	},
}

func closing(t *testing.T, e ends) ends {
	t.Cleanup(func() { _ = e.near.Close(); _ = e.far.Close() })
	return e
}

func forBoth(t *testing.T, body func(t *testing.T, e ends)) {
	for name, dial := range both {
		t.Run(name, func(t *testing.T) { body(t, dial(t)) })
	}
}

var large = &wire.Log{Ref: wire.Ref{Order: "o", Attempt: 1}, Stream: wire.Stdout, Data: bytes.Repeat([]byte("x"), wire.MaxLogChunk)}

func TestRoundTrip(t *testing.T) {
	forBoth(t, func(t *testing.T, e ends) {
		for _, m := range []wire.Message{&wire.Ping{Seq: 7}, large, &wire.Credit{N: 3}} {
			for _, way := range [][2]*conn.Conn{{e.near, e.far}, {e.far, e.near}} {
				if err := way[0].Write(m); err != nil {
					t.Fatal(err)
				}
				got, err := way[1].Read(10 * time.Second)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(wire.Message(m), got); d != "" {
					t.Errorf("-want +got:\n%s", d)
				}
			}
		}
	})
}

func TestFramesTogetherAndFromManyWriters(t *testing.T) {
	forBoth(t, func(t *testing.T, e ends) {
		const writers, each = 8, 50
		for range writers {
			go func() {
				for range each / 2 {
					a, _ := wire.Encode(&wire.Ping{Seq: 1})
					b, _ := wire.Encode(large)
					if err := e.near.WriteFrames(a, b); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		for n := range writers * each {
			if _, err := e.far.Read(10 * time.Second); err != nil {
				t.Fatalf("message %d: %v", n, err)
			}
		}
	})
}

func TestReadFailsInTime(t *testing.T) {
	forBoth(t, func(t *testing.T, e ends) {
		if _, err := e.near.Read(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("silence gives %v", err)
		}
	})
	t.Run("Expect", func(t *testing.T) {
		forBoth(t, func(t *testing.T, e ends) {
			done := make(chan error, 1)
			go func() { _, err := e.near.Read(time.Hour); done <- err }()
			for { // until the read is under way
				e.near.Expect(0)
				select {
				case err := <-done:
					if !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("got %v", err)
					}
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	})
}

func TestCloseInterruptsAndIsTold(t *testing.T) {
	forBoth(t, func(t *testing.T, e ends) {
		done := make(chan error, 1)
		go func() { _, err := e.near.Read(time.Hour); done <- err }()
		_ = e.near.Close()
		if err := <-done; err == nil {
			t.Error("the read under way went on")
		}
		if _, err := e.far.Read(10 * time.Second); !errors.Is(err, conn.ErrClosedByPeer) {
			t.Errorf("the other side read %v", err)
		}
	})
}

func TestCutInMidFrame(t *testing.T) {
	for name, half := range map[string]string{
		"raw":       "\x00\x00\x00\x64{",
		"websocket": "\x82\x80\x00\x00\x00\x00\x82\xe4\x00\x00\x00\x00{", // an empty message is not decoded, then half of one
	} {
		t.Run(name, func(t *testing.T) {
			e := both[name](t)
			if name == "websocket" {
				half = half[6:]
			}
			if _, err := io.WriteString(e.socket, half); err != nil {
				t.Fatal(err)
			}
			_ = e.socket.Close()
			if _, err := e.far.Read(10 * time.Second); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What is no message ends in an error with a name, whatever the transport.
func TestHostileBytes(t *testing.T) {
	masked := func(head string, payload string) string { return head + "\x00\x00\x00\x00" + payload }
	tests := map[string]struct {
		transport, bytes string
		want             error
		says             string // "" = as the error is
	}{
		"raw too large":          {"raw", "\x00\x04\x00\x01", wire.ErrFrameTooLarge, ""},
		"raw HTTP":               {"raw", "GET / HTTP/1.1\r\n", wire.ErrFrameTooLarge, ""},
		"raw empty":              {"raw", "\x00\x00\x00\x00", wire.ErrEmptyFrame, ""},
		"raw garbage":            {"raw", "\x00\x00\x00\x03\xff\xfe\xfd", wire.ErrInvalid, ""},
		"raw unknown kind":       {"raw", "\x00\x00\x00\x1a" + `{"kind":"dance","body":{}}`, wire.ErrUnknownKind, ""},
		"websocket too large":    {"websocket", masked("\x82\xff\x00\x00\x00\x00\x00\x04\x00\x01", ""), wire.ErrFrameTooLarge, ""},
		"websocket text":         {"websocket", masked("\x81\x9a", `{"kind":"ping","body":{}} `), wire.ErrInvalid, "not a binary WebSocket message"},
		"websocket empty":        {"websocket", masked("\x82\x80", ""), wire.ErrInvalid, ""},
		"websocket garbage":      {"websocket", masked("\x82\x83", "\xff\xfe\xfd"), wire.ErrInvalid, ""},
		"websocket reserved":     {"websocket", masked("\xf2\x83", "abc"), wire.ErrInvalid, "reading frame: invalid message: websocket: RSV"},
		"websocket not masked":   {"websocket", "\x82\x03abc", wire.ErrInvalid, ""},
		"websocket unknown op":   {"websocket", masked("\x83\x83", "abc"), wire.ErrInvalid, ""},
		"websocket long control": {"websocket", masked("\x89\xfe\x00\x80", ""), wire.ErrInvalid, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := both[tt.transport](t)
			if _, err := io.WriteString(e.socket, tt.bytes); err != nil {
				t.Fatal(err)
			}
			if m, err := e.far.Read(10 * time.Second); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, %v, want %v: %s", m, err, tt.want, tt.says)
			}
		})
	}
}

func TestWriteRefusesWhatNoReceiverTakes(t *testing.T) {
	forBoth(t, func(t *testing.T, e ends) {
		if err := e.near.Write(&wire.Credit{N: -1}); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("got %v", err)
		}
		if err := e.near.WriteFrame(make([]byte, wire.MaxFrame+1)); !errors.Is(err, wire.ErrFrameTooLarge) {
			t.Errorf("got %v", err)
		}
	})
}
