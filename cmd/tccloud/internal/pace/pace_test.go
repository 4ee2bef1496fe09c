package pace_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/cmd/tccloud/internal/pace"
)

// one is a listener for a single connection.
type one struct {
	conns chan net.Conn
	net.Listener
}

func (l one) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l one) Close() error { return nil }

// ask serves an answer of 4 MiB to a client that reads it as read does. It returns how the server's
// writing ended, and when.
func ask(t *testing.T, read func(io.Reader)) (after time.Duration, err error) {
	t.Helper()
	near, far := net.Pipe()
	l := one{conns: make(chan net.Conn, 1)}
	l.conns <- far
	ended := make(chan error, 1)
	s := &http.Server{Handler: pace.Answers(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 4<<20))
		ended <- err
	}))}
	go func() { _ = s.Serve(l) }()
	begun := time.Now()
	if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reading := make(chan struct{})
	go func() { defer close(reading); read(near) }()
	select {
	case err = <-ended:
	case <-time.After(24 * time.Hour):
		t.Error("it is waited for ever")
	}
	after = time.Since(begun)
	_ = near.Close()
	close(l.conns)
	_ = s.Close()
	<-reading
	return after, err
}

func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if after, err := ask(t, func(io.Reader) {}); err == nil || after > 2*pace.Pause {
			t.Errorf("who does not read: %v after %s", err, after)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		after, err := ask(t, func(r io.Reader) {
			b := bufio.NewReaderSize(r, 16<<10)
			for {
				if _, err := io.CopyN(io.Discard, b, 16<<10); err != nil {
					return
				}
				time.Sleep(pace.Pause / 4)
			}
		})
		if err != nil || after < 10*pace.Pause {
			t.Errorf("who reads slowly: %v after %s", err, after)
		}
	})
}
