package service

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

// begin makes a service in a folder of its own, and an agent that talks with it.
func begin(t *testing.T) (*Service, *talker) {
	t.Helper()
	t.Chdir(t.TempDir())
	v, err := New(spec.Service{ID: 7})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Open(0o660); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v, attach(t, v)
}

// talker is an agent.
type talker struct {
	t     *testing.T
	conn  net.Conn
	lines *bufio.Scanner
}

func attach(t *testing.T, v *Service) *talker {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { _ = here.Close() })
	go v.Talk(there, bufio.NewReader(there))
	k := &talker{t, here, bufio.NewScanner(here)}
	k.lines.Buffer(nil, spec.MaxWord)
	return k
}

func (k *talker) next() spec.Word {
	k.t.Helper()
	_ = k.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if !k.lines.Scan() {
		k.t.Fatalf("nothing came: %v", k.lines.Err())
	}
	w, err := spec.DecodeWord(k.lines.Bytes())
	if err != nil {
		k.t.Fatal(err)
	}
	return w
}

// said returns the next word that is no state.
func (k *talker) said() spec.Word {
	k.t.Helper()
	for {
		if w := k.next(); w.State == nil {
			return w
		}
	}
}

func (k *talker) say(w spec.Word) {
	k.t.Helper()
	line, err := spec.EncodeWord(w)
	if err == nil {
		_, err = k.conn.Write(line)
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

func fire(v *Service, n int) {
	v.message(fmt.Appendf(nil, `{"command": "FireEvent", "n": %d}`, n), false, true)
}

// TestEventsUntilTaken: events have numbers, come to each agent until they are taken, and again when it asks.
func TestEventsUntilTaken(t *testing.T) {
	v, k := begin(t)
	if w := k.next(); w.State == nil || w.State.State != spec.ServiceUnready {
		t.Errorf("the first word is %+v", w)
	}
	for n := range 3 {
		fire(v, n)
	}
	for n := range 3 {
		if w := k.said(); w.Seq != int64(n+1) || string(w.Said) != fmt.Sprintf(`{"command":"FireEvent","n":%d}`, n) {
			t.Errorf("got %d %s", w.Seq, w.Said)
		}
	}
	k.say(spec.Word{Taken: 1})
	k.say(spec.Word{Again: true})
	if w := k.said(); w.Seq != 2 {
		t.Errorf("again from %d, want 2", w.Seq)
	}
	second := attach(t, v) // the newer one has it; the older one ends
	for want := int64(2); want <= 3; want++ {
		if w := second.said(); w.Seq != want {
			t.Errorf("another agent got %d, want %d", w.Seq, want)
		}
	}
	for k.lines.Scan() { // ends
	}
	v.message([]byte(`{"command":"FireEvent","n":2}`), true, true) // as it was, and again
	fire(v, 9)
	if w := second.said(); w.Seq != 4 || !strings.Contains(string(w.Said), "9") {
		t.Errorf("after a repetition came %d %s", w.Seq, w.Said)
	}
}

// TestNoAppSpeaksForTheAgent: what the contract of service Apps does not know reaches nobody.
func TestNoAppSpeaksForTheAgent(t *testing.T) {
	v, k := begin(t)
	k.next()
	for _, payload := range []string{
		`{"command":"State","state":"ready"}`, `{"command":"Lost","count":1}`, `{"command":"fireevent"}`, `{"Command":7}`, `{}`, `[]`, `"x"`, ``, "{\"command\":\"Ready\"}\xff",
		`{"command":"Acknowledged","x":"` + strings.Repeat("x", spec.MaxServiceMessage) + `"}`, strings.Repeat("[", 1<<20),
	} {
		v.message([]byte(payload), false, false)
	}
	v.message([]byte(`{"command":"Acknowledged","type":"x"}`), false, false)
	if w := k.said(); string(w.Said) != `{"command":"Acknowledged","type":"x"}` || w.Seq != 0 {
		t.Errorf("got %+v", w)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state.Ignored != 11 {
		t.Errorf("%d messages were ignored, want 11", v.state.Ignored)
	}
}

// TestAnswersAreBounded: an agent that does not read costs a bounded amount of memory, and no event.
func TestAnswersAreBounded(t *testing.T) {
	v, k := begin(t)
	for range 5_000 {
		v.message([]byte(`{"command":"Acknowledged","type":"`+strings.Repeat("x", 1000)+`"}`), false, false)
	}
	fire(v, 1)
	v.agent.mu.Lock()
	if n := len(v.agent.answers); n > maxAnswers || v.agent.bytes > maxAnswerBytes {
		t.Errorf("%d answers of %d bytes wait", n, v.agent.bytes)
	}
	v.agent.mu.Unlock()
	for k.said().Seq != 1 {
	}
}

// TestHeartbeat: the answer to a heartbeat is remembered, and an App that comes back is as ready as it was.
func TestHeartbeat(t *testing.T) {
	v, _ := begin(t)
	v.connected(true)
	v.message([]byte(`{"command":"Ready"}`), false, false)
	for n := range 5 {
		if why := v.look(); why != "" {
			t.Fatalf("round %d: %s", n, why)
		}
		v.message([]byte(`{"command":"Heartbeat","metric":{"Hits":3}}`), false, false)
	}
	if string(v.state.Metric) != `{"Hits":3}` || v.state.Beat.IsZero() {
		t.Errorf("of the heartbeat is known %s", v.state.Metric)
	}
	v.connected(false)
	v.connected(true)
	if v.state.State != spec.ServiceReady {
		t.Errorf("it is %s", v.state.State)
	}
}

// TestSendWithoutApp: what the cloud says while the App is away is dropped and counted.
func TestSendWithoutApp(t *testing.T) {
	_, k := begin(t)
	k.next()
	k.say(spec.Word{Send: json.RawMessage(`{"command":"RunService"}`)})
	k.say(spec.Word{Again: true})
	if w := k.next(); w.State == nil || w.State.Dropped != 1 {
		t.Errorf("got %+v", w)
	}
}

// TestTooLarge: an event that the broker does not take is a loss that is told.
func TestTooLarge(t *testing.T) {
	v, k := begin(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(v.Broker().CA)
	c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", v.Broker().Port), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	token := v.Broker().Token
	login := append([]byte{0x10, byte(12 + 2 + len(token)), 0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 60, 0, 0, 0, 0, 0, byte(len(token))}, token...)
	login[1] = byte(len(login) - 2)
	if _, err := c.Write(append(login, 0x30, 0xFF, 0xFF, 0xFF, 0x7F)); err != nil {
		t.Fatal(err)
	}
	if w := k.said(); w.Seq != 1 || !strings.Contains(string(w.Said), `"Lost"`) || !strings.Contains(string(w.Said), "192 KiB") {
		t.Errorf("got %d %s", w.Seq, w.Said)
	}
}
