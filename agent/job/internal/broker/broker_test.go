package broker

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

const (
	said    = "svc-client-7"
	listens = "svc-server-7"
)

type heard struct {
	mu        sync.Mutex
	messages  []string
	connected []bool
	tooLarge  int
	hold      chan struct{} // not nil: a message is being taken for so long
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fmt.Sprint(h.messages, h.connected, h.tooLarge)
}

func start(t testing.TB) (*Broker, *heard) {
	t.Helper()
	h := &heard{}
	b, err := New(Config{
		Said: said, Listens: listens,
		Connected: func(on bool) { h.mu.Lock(); defer h.mu.Unlock(); h.connected = append(h.connected, on) },
		Message: func(payload []byte, _, _ bool) {
			if h.hold != nil {
				<-h.hold
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.messages = append(h.messages, string(payload))
		},
		TooLarge: func() { h.mu.Lock(); defer h.mu.Unlock(); h.tooLarge++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b, h
}

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

func packet(kind byte, body []byte) []byte {
	p := []byte{kind}
	for n := len(body); ; {
		b := byte(n % 128)
		if n /= 128; n > 0 {
			p = append(p, b|128)
			continue
		}
		return append(append(p, b), body...)
	}
}

func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func connect(version byte, password string) []byte {
	name := "MQTT"
	if version == 3 {
		name = "MQIsdp"
	}
	body := append(text(name), version, 0xC2, 0, 60)
	if version == 5 {
		body = append(body, 0)
	}
	return packet(0x10, append(append(append(body, text("")...), text("")...), text(password)...))
}

func publish(topic, payload string, qos byte) []byte {
	body := text(topic)
	if qos > 0 {
		body = append(body, 0, 9)
	}
	return packet(0x30|qos<<1, append(body, payload...))
}

func subscribe(topic string, qos byte) []byte {
	return packet(0x82, append(append([]byte{0, 1}, text(topic)...), qos))
}

type client struct {
	net.Conn
	t testing.TB
}

func dial(t testing.TB, b *Broker) *client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b.endpoint.CA) {
		t.Fatal("no CA")
	}
	c, err := tls.Dial("tcp", fmt.Sprintf("%s:%d", b.endpoint.Host, b.endpoint.Port), &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { _ = c.Close() })
	return &client{c, t}
}

func (c *client) send(p []byte) {
	c.t.Helper()
	if _, err := c.Write(p); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next packet; an error means that the broker has hung up.
func (c *client) read() (kind byte, body []byte, err error) {
	var head [1]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return 0, nil, err
	}
	n, shift := 0, 0
	for {
		var b [1]byte
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return 0, nil, err
		}
		n |= int(b[0]&127) << shift
		if shift += 7; b[0] < 128 {
			break
		}
	}
	body = make([]byte, n)
	_, err = io.ReadFull(c, body)
	return head[0], body, err
}

func (c *client) expect(want byte, body ...byte) {
	c.t.Helper()
	kind, got, err := c.read()
	if err != nil || kind != want || body != nil && !bytes.Equal(got, body) {
		c.t.Fatalf("got packet %#x %v and %v, want %#x %v", kind, got, err, want, body)
	}
}

func (c *client) hungUp() {
	c.t.Helper()
	for {
		_, _, err := c.read()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			c.t.Fatal("the broker has not hung up")
		}
		if err != nil {
			return
		}
	}
}

// app is a client that has done what an App does.
func app(t testing.TB, b *Broker) *client {
	t.Helper()
	c := dial(t, b)
	c.send(connect(4, b.endpoint.Token))
	c.expect(0x20, 0, 0)
	c.send(subscribe(listens, 0))
	c.expect(0x90, 0, 1, 0)
	return c
}

func TestTalk(t *testing.T) {
	b, h := start(t)
	if b.Publish([]byte("early")) {
		t.Error("a message was taken for an App that is not there")
	}
	c := app(t, b)
	for i, qos := range []byte{0, 1, 2} {
		c.send(publish(said, fmt.Sprint("m", i), qos))
		switch qos {
		case 1:
			c.expect(0x40, 0, 9)
		case 2:
			c.expect(0x50, 0, 9)
			c.send(packet(0x62, []byte{0, 9}))
			c.expect(0x70, 0, 9)
		}
	}
	eventually(t, "three messages", func() bool { return strings.HasPrefix(h.String(), "[m0 m1 m2] [true]") })
	large := strings.Repeat("x", spec.MaxServiceMessage)
	for _, m := range []string{"one", large, "two"} {
		if !b.Publish([]byte(m)) {
			t.Fatal("not taken")
		}
		kind, body, err := c.read()
		if err != nil || kind != 0x30 || string(body) != string(text(listens))+m {
			t.Fatalf("got %#x of %d bytes and %v", kind, len(body), err)
		}
	}
	c.send(publish(said, large, 1))
	c.expect(0x40)
	c.send(packet(0xC0, nil))
	c.expect(0xD0)
	c.send(packet(0xE0, nil))
	eventually(t, "gone", func() bool { return strings.HasSuffix(h.String(), "[true false] 0") })
	app(t, b) // it may come again
	eventually(t, "there again", func() bool { return strings.HasSuffix(h.String(), "[true false true] 0") })
}

// TestVersionsOfOld: clients of TcEx 2's age speak MQTT 3.1.
func TestVersionsOfOld(t *testing.T) {
	b, _ := start(t)
	c := dial(t, b)
	c.send(connect(3, b.endpoint.Token))
	c.expect(0x20, 0, 0)
}

func TestRefusals(t *testing.T) {
	for name, try := range map[string]func(t *testing.T, b *Broker, h *heard){
		"no TLS": func(t *testing.T, b *Broker, _ *heard) {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.endpoint.Port))
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			raw := &client{c, t}
			raw.send(connect(4, ""))
			raw.hungUp()
		},
		"another token": func(t *testing.T, b *Broker, _ *heard) {
			c := dial(t, b)
			c.send(connect(4, b.endpoint.Token[1:]+"x"))
			c.expect(0x20, 0, 5)
			c.hungUp()
		},
		"another service's token": func(t *testing.T, b *Broker, _ *heard) {
			other, _ := start(t)
			c := dial(t, b)
			c.send(connect(4, other.endpoint.Token))
			c.expect(0x20, 0, 5)
			c.hungUp()
		},
		"a will for another service's topic": func(t *testing.T, b *Broker, h *heard) {
			c := dial(t, b)
			body := append(text("MQTT"), 4, 0xC2|4, 0, 60)
			for _, field := range []string{"", "svc-client-8", `{"command":"FireEvent"}`, "", b.endpoint.Token} {
				body = append(body, text(field)...)
			}
			c.send(packet(0x10, body))
			c.expect(0x20, 0, 0)
			_ = c.Close() // without DISCONNECT, which would publish it
			app(t, b)
			eventually(t, "the App is there", func() bool { return h.String() == "[] [true] 0" })
		},
		"a retained message": func(t *testing.T, b *Broker, h *heard) {
			c := app(t, b)
			c.send(append([]byte{0x31 | 1<<1}, publish(said, "kept", 1)[1:]...))
			kind, _, err := c.read()
			if err == nil && kind != 0x40 {
				t.Errorf("got packet %#x", kind)
			}
			_ = c.Close()
			eventually(t, "gone", func() bool { return strings.Contains(h.String(), "false") })
			app(t, b)
			if n := b.server.Topics.Retained.Len(); n != 0 {
				t.Errorf("%d messages are retained", n)
			}
		},
		"no password": func(t *testing.T, b *Broker, _ *heard) {
			c := dial(t, b)
			c.send(packet(0x10, append(append(text("MQTT"), 4, 2, 0, 60), text("c")...)))
			c.expect(0x20, 0, 5)
			c.hungUp()
		},
		"MQTT 5": func(t *testing.T, b *Broker, _ *heard) {
			c := dial(t, b)
			c.send(connect(5, b.endpoint.Token))
			c.hungUp()
		},
		"a packet before CONNECT": func(t *testing.T, b *Broker, _ *heard) {
			c := dial(t, b)
			c.send(publish(said, "x", 0))
			c.hungUp()
		},
		"a second CONNECT": func(t *testing.T, b *Broker, _ *heard) {
			c := app(t, b)
			c.send(connect(4, b.endpoint.Token))
			c.hungUp()
		},
		"a second client": func(t *testing.T, b *Broker, _ *heard) {
			first := app(t, b)
			c := dial(t, b)
			c.send(connect(4, b.endpoint.Token))
			c.expect(0x20, 0, 5)
			c.hungUp()
			first.send(packet(0xC0, nil))
			first.expect(0xD0)
		},
		"wildcards and other topics": func(t *testing.T, b *Broker, h *heard) {
			c := dial(t, b)
			c.send(connect(4, b.endpoint.Token))
			c.expect(0x20, 0, 0)
			for _, topic := range []string{"#", "+", "svc-server-+", "$SYS/#", "$share/g/" + listens, said, "svc-server-8", listens + "/#"} {
				c.send(subscribe(topic, 0))
				c.expect(0x90, 0, 1, 0x80)
			}
			for _, topic := range []string{listens, "svc-client-8", "$SYS/x", said + "/x"} {
				c.send(publish(topic, "wrong", 0))
			}
			c.send(publish(said, "right", 1))
			c.expect(0x40)
			if got := h.String(); got != "[right] [] 0" {
				t.Errorf("got %s", got)
			}
			c.send(publish("svc-client-8", "wrong", 1))
			c.hungUp()
		},
		"a payload of 256 MB": func(t *testing.T, b *Broker, h *heard) {
			c := app(t, b)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c.send([]byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1}) // announced, and never sent
			c.hungUp()
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
				t.Errorf("%d bytes were allocated for it", n)
			}
			eventually(t, "it is noted", func() bool { return strings.HasSuffix(h.String(), " 1") })
		},
		"what is no MQTT": func(t *testing.T, b *Broker, _ *heard) {
			c := dial(t, b)
			c.send([]byte("GET / HTTP/1.1\r\n\r\n"))
			c.hungUp()
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, h := start(t)
			try(t, b, h)
		})
	}
}

// TestStrangersDoNotKeepTheAppOut: those who connect and say nothing, as many as there are, are gone in time.
func TestStrangersDoNotKeepTheAppOut(t *testing.T) {
	b, _ := start(t)
	for range 50 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.endpoint.Port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	eventually(t, "they are there", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.login) == maxPending
	})
	app(t, b)
}

// TestSlowReader: what waits for an App that does not read is bounded, and the broker goes on.
func TestSlowReader(t *testing.T) {
	b, _ := start(t)
	app(t, b)
	message := make([]byte, 64<<10)
	sent := 0
	for range 2000 { // 125 MB
		if b.Publish(message) {
			sent++
		}
	}
	if sent*len(message) > 32<<20 {
		t.Errorf("%d MB were taken for an App that does not read", sent*len(message)>>20)
	}
}

// TestSlowReaderIsLeft: an App that does not read for long loses its connection, and may come again.
func TestSlowReaderIsLeft(t *testing.T) {
	t.Parallel()
	b, h := start(t)
	app(t, b)
	message := make([]byte, 64<<10)
	eventually(t, "the connection ends", func() bool {
		b.Publish(message)
		return strings.Contains(h.String(), "false")
	})
	app(t, b)
}

// TestFlood: an App that publishes faster than its messages are taken is held up.
func TestFlood(t *testing.T) {
	b, h := start(t)
	h.hold = make(chan struct{})
	c := app(t, b)
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	sent, m := 0, publish(said, strings.Repeat("x", 32<<10), 0)
	for {
		if _, err := c.Write(m); err != nil {
			break
		}
		if sent += len(m); sent > 256<<20 {
			t.Fatal("the App could send for ever")
		}
	}
	close(h.hold)
}

// FuzzPackets: whatever comes before and after the login, the broker stands it, hears only its topic, and lets
// the App in afterwards.
func FuzzPackets(f *testing.F) {
	f.Add([]byte{}, publish(said, "m", 0))
	f.Add(connect(4, "x"), []byte{})
	f.Add(connect(5, "x"), append(subscribe("#", 0), publish(said, "m", 2)...))
	f.Add([]byte{}, append(publish(said, "a", 2), packet(0x62, []byte{0, 9})...))
	f.Add([]byte{0x10, 0xFF, 0xFF, 0xFF, 0xFF}, packet(0xA2, append([]byte{0, 1}, text(listens)...)))
	f.Add([]byte{}, packet(0x82, []byte{0, 1, 0xFF, 0xFF, 1}))
	f.Add([]byte{}, packet(0x30, []byte{0xFF, 0xFF, 'x'}))
	b, h := start(f)
	f.Fuzz(func(t *testing.T, before, after []byte) {
		for _, in := range [][]byte{before, append(connect(4, b.endpoint.Token), after...)} {
			here, there := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				c := &conn{Conn: there, raw: there}
				defer b.leave(c)
				b.talk(c)
			}()
			go func() { _, _ = io.Copy(io.Discard, here) }()
			_ = here.SetWriteDeadline(time.Now().Add(5 * time.Second))
			_, _ = here.Write(in)
			_ = here.Close()
			<-done
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.app != nil || len(b.conns) != 0 || b.to != nil || b.server.Clients.Len() != 0 || b.server.Info.Subscriptions != 0 {
			t.Errorf("something is left: app %v, %d connections, %d clients, %d subscriptions", b.app != nil, len(b.conns), b.server.Clients.Len(), b.server.Info.Subscriptions)
		}
		h.mu.Lock()
		h.messages, h.connected = nil, nil
		h.mu.Unlock()
	})
}
