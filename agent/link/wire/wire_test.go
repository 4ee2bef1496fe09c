package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	ref = Ref{"order-1", 2}
	sha = SHA256(strings.Repeat("0a", 32))
)

// samples has one message of every kind with every field set.
func samples() []Message {
	return []Message{
		&Hello{Protocol: 1, BrokerToken: "secret", ServerXID: "xid", ServerName: "Büro", Version: "1.0.0", OS: "linux", Arch: "arm64",
			BootID: "b", MachineID: "m", Hostname: "h", Slots: 4, Services: 2, Executors: 8, Orders: []InFlight{{ref, StateRunning}}, Results: []Ref{{"order-0", 1}}, Probe: true, Leave: true},
		&Welcome{Epoch: 7, HeartbeatMS: 10_000, ServerTime: 1, Environment: "e", ConfigRevision: 3, Renews: true, Services: true, Fenced: []Ref{ref},
			Logs: []LogOffset{{ref, Stdout, 5}}},
		&Error{Code: "fenced", Message: "newer session", RetryAfterMS: 1, Exact: true},
		&GoAway{Code: "restart", Message: "m", WindowMS: 3_600_000},
		&Ping{Seq: 1}, &Pong{Seq: -1}, &Credit{N: MaxSlots}, &Credit{Services: 1},
		&Order{Ref: ref, Runtime: RuntimeAPIService, App: AppRef{"TCVS_-_App", "1.0.0", 10, sha}, Service: &ServiceSpec{ID: 7, Name: "Vault"}},
		&ServiceSend{ref, ServiceMessage(`{"command":"CreateConfig","apiToken":"t","config":{"a":"<\u2028>"}}`)},
		&ServiceSaid{ref, 3, ServiceMessage(`{"command":"FireEvent","triggerId":42}`)}, &ServiceTaken{ref, 3},
		&Order{Ref: ref, Runtime: RuntimePlaybook, App: AppRef{"TCPB_-_App", "1.0.0", 10, sha}, Params: map[string]string{"p": "<&>\u2028"},
			ParamsByHTTPS: true, Token: "t", TokenTTLMS: 1, KVContext: "c", OutVariables: []string{"#App:1:x!String"},
			Defaults: map[string]string{"tc_log_level": "debug"}, TimeoutMS: 1000, StartWithinMS: 1, Priority: 9, Retryable: true,
			Limits: Limits{512, 64, 50}},
		&Accepted{ref, true}, &Refused{ref, ReasonUnfit, "m"}, &Ready{ref}, &Start{ref}, &Progress{ref, StatePreparing, 12},
		&Log{ref, AppLog, 9, []byte{0, 0xff}},
		&Result{Ref: ref, Outcome: Partial, Returned: true, ExitCode: 3, Signal: "SIGTERM", Message: "m\n", Error: "app.bomb", Results: map[string]string{"a": "b"},
			Files: []File{{"a/b", 1, sha, "gone"}}, Output: map[Stream]OutputSize{Stderr: {5, 4}}, PrepareUS: 1, RunMS: 2},
		&ResultAck{ref, true, false}, &ResultAck{Ref: ref, Unknown: true}, &Cancel{ref, "why"}, &Recall{ref}, &Recalled{ref, true},
		&Info{"h", "debian 12", 2, 0.5, 1, 2, 3, 4, 5, 6, 7, 0.25, true, &Update{"self", "trying", "1.2.3", "1.2.2", "crash"}, &Unfit{"host.no_space", "full", 5},
			"http://p:8080", &Isolation{"full", "files", "no user namespaces"}, []Template{{"A", "1", "cold", 2, "why"}}, []Note{{"settings", "text"}}},
		&Probed{"e", 1, "h (a:1)", true}, &Renew{[]byte{0x30}, sha}, &Renewed{Certificate: []byte{0x30}},
		&Control{ActionLogLevel, map[string]string{"level": "debug"}},
	}
}

func TestEveryKindSurvives(t *testing.T) {
	missing := map[Kind]bool{}
	for k := range kinds {
		missing[k] = true
	}
	for _, m := range samples() {
		delete(missing, m.Kind())
		frame, err := Encode(m)
		if err != nil {
			t.Errorf("%s: %v", m.Kind(), err)
			continue
		}
		got, err := Decode(frame)
		if err != nil {
			t.Errorf("%s: %v", m.Kind(), err)
			continue
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%s changed on the way (-sent +received):\n%s", m.Kind(), diff)
		}
	}
	for k := range missing {
		t.Errorf("samples has no %s", k)
	}
}

// A receiver of an older minor version meets fields it does not know.
func TestUnknownFieldsAreIgnored(t *testing.T) {
	m, err := Decode([]byte(`{"kind":"ping","later":1,"body":{"seq":3,"newer":{"deep":[]}}}`))
	if p, ok := m.(*Ping); err != nil || !ok || p.Seq != 3 {
		t.Errorf("got %v, %v, want ping 3", m, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	body := func(kind Kind, format string, args ...any) string {
		return fmt.Sprintf(`{"kind":%q,"body":{"order":"o","attempt":1,%s}}`, kind, fmt.Sprintf(format, args...))
	}
	order := func(more string) string {
		return body(KindOrder, `"runtime":"job","app":{"name":"a","version":"1","size":1,"sha256":"%s"},"timeout_ms":1000,%s"priority":5`, sha, more)
	}
	if _, err := Decode([]byte(order(""))); err != nil {
		t.Fatalf("the order the cases start from: %v", err)
	}
	cases := map[string]struct {
		frame string
		want  error
	}{
		"nothing":                         {"", ErrInvalid},
		"no JSON":                         {"GET / HTTP/1.1", ErrInvalid},
		"two values":                      {`{"kind":"ping","body":{}}{}`, ErrInvalid},
		"an array":                        {`[]`, ErrInvalid},
		"null":                            {`null`, ErrUnknownKind},
		"no kind":                         {`{"body":{}}`, ErrUnknownKind},
		"unknown kind":                    {`{"kind":"selfdestruct","body":{}}`, ErrUnknownKind},
		"no body":                         {`{"kind":"ping"}`, ErrInvalid},
		"null body":                       {`{"kind":"ping","body":null}`, ErrInvalid},
		"body of another type":            {`{"kind":"ping","body":"x"}`, ErrInvalid},
		"wrong type":                      {`{"kind":"ping","body":{"seq":"x"}}`, ErrInvalid},
		"fraction":                        {`{"kind":"ping","body":{"seq":1.5}}`, ErrInvalid},
		"number too large":                {`{"kind":"ping","body":{"seq":9223372036854775808}}`, ErrInvalid},
		"deep nesting":                    {`{"kind":"ping","body":{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}}`, ErrInvalid},
		"frame too large":                 {`{"kind":"ping","body":{}}` + strings.Repeat(" ", MaxFrame), ErrFrameTooLarge},
		"id with a slash":                 {`{"kind":"ready","body":{"order":"../x","attempt":1}}`, ErrInvalid},
		"id with a dot":                   {`{"kind":"ready","body":{"order":"a.b","attempt":1}}`, ErrInvalid},
		"id too long":                     {`{"kind":"ready","body":{"order":"` + strings.Repeat("x", 65) + `","attempt":1}}`, ErrInvalid},
		"memory that nothing starts in":   {order(`"limits":{"memory_mb":15},`), ErrInvalid},
		"less than no tasks":              {order(`"limits":{"tasks":-1},`), ErrInvalid},
		"too much of the CPU":             {order(`"limits":{"cpu_weight":10001},`), ErrInvalid},
		"attempt 0":                       {`{"kind":"ready","body":{"order":"o"}}`, ErrInvalid},
		"attempt too large":               {`{"kind":"ready","body":{"order":"o","attempt":1000001}}`, ErrInvalid},
		"credit 0":                        {`{"kind":"credit","body":{"n":0}}`, ErrInvalid},
		"credit too large":                {`{"kind":"credit","body":{"n":4097}}`, ErrInvalid},
		"heartbeat 0":                     {`{"kind":"welcome","body":{"epoch":1}}`, ErrInvalid},
		"epoch 0":                         {`{"kind":"welcome","body":{"heartbeat_ms":1000}}`, ErrInvalid},
		"goaway too far":                  {`{"kind":"goaway","body":{"code":"c","message":"","window_ms":3600001}}`, ErrInvalid},
		"error without code":              {`{"kind":"error","body":{}}`, ErrInvalid},
		"hello of protocol 0":             {`{"kind":"hello","body":{"server_xid":"x"}}`, ErrInvalid},
		"hello with bad xid":              {`{"kind":"hello","body":{"protocol":1,"server_xid":"a b"}}`, ErrInvalid},
		"hello with slots -1":             {`{"kind":"hello","body":{"protocol":1,"server_xid":"x","slots":-1}}`, ErrInvalid},
		"hello with an order in no state": {`{"kind":"hello","body":{"protocol":1,"server_xid":"x","orders":[{"order":"o","attempt":1,"state":"queued"}]}}`, ErrInvalid},
		"hello with a bad result":         {`{"kind":"hello","body":{"protocol":1,"server_xid":"x","results":[{"order":"","attempt":1}]}}`, ErrInvalid},
		"hello with too much":             {`{"kind":"hello","body":{"protocol":1,"server_xid":"x","results":[` + strings.TrimSuffix(strings.Repeat(`{"order":"o","attempt":1},`, MaxHelloRefs+1), ",") + `]}}`, ErrInvalid},
		"hello that leaves a session":     {`{"kind":"hello","body":{"protocol":1,"server_xid":"x","leave":true}}`, ErrInvalid},
		"renew of nothing":                {`{"kind":"renew","body":{"newest":"` + string(sha) + `"}}`, ErrInvalid},
		"renew without digest":            {`{"kind":"renew","body":{"request":"MA=="}}`, ErrInvalid},
		"renewed to nothing":              {`{"kind":"renewed","body":{}}`, ErrInvalid},
		"renewed and not":                 {`{"kind":"renewed","body":{"certificate":"MA==","problem":"p"}}`, ErrInvalid},
		"log of no stream":                {body(KindLog, `"stream":"stdin","data":"eA=="`), ErrInvalid},
		"log at -1":                       {body(KindLog, `"stream":"stdout","offset":-1,"data":"eA=="`), ErrInvalid},
		"empty log":                       {body(KindLog, `"stream":"stdout","data":""`), ErrInvalid},
		"log without base64":              {body(KindLog, `"stream":"stdout","data":"!"`), ErrInvalid},
		"log too long":                    {body(KindLog, `"stream":"stdout","data":"%s"`, strings.Repeat("AAAA", MaxLogChunk/3+1)), ErrInvalid},
		"progress to an end":              {body(KindProgress, `"state":"succeeded"`), ErrInvalid},
		"result of no outcome":            {body(KindResult, `"outcome":"running"`), ErrInvalid},
		"result too long":                 {body(KindResult, `"outcome":"failed","message":"%s"`, strings.Repeat("x", 2049)), ErrInvalid},
		"refused for nothing":             {body(KindRefused, `"message":"m"`), ErrInvalid},
		"reason too long":                 {body(KindCancel, `"reason":"%s"`, strings.Repeat("x", 1025)), ErrInvalid},
		"control of nothing":              {`{"kind":"control","body":{}}`, ErrInvalid},
		"order of no runtime":             {strings.Replace(order(""), `"job"`, `"service"`, 1), ErrInvalid},
		"order without digest":            {strings.Replace(order(""), string(sha), "", 1), ErrInvalid},
		"digest in capitals":              {strings.Replace(order(""), string(sha), strings.ToUpper(string(sha)), 1), ErrInvalid},
		"app without name":                {strings.Replace(order(""), `"name":"a"`, `"name":""`, 1), ErrInvalid},
		"app of size 0":                   {strings.Replace(order(""), `"size":1`, `"size":0`, 1), ErrInvalid},
		"app too large":                   {strings.Replace(order(""), `"size":1`, `"size":1073741825`, 1), ErrInvalid},
		"order without time":              {strings.Replace(order(""), `1000`, `999`, 1), ErrInvalid},
		"order for ever":                  {strings.Replace(order(""), `1000`, `604800001`, 1), ErrInvalid},
		"order before time":               {order(`"start_within_ms":-1,`), ErrInvalid},
		"deadline overflows":              {order(`"start_within_ms":9223372036854775807,`), ErrInvalid},
		"token's life overflows":          {order(`"token_ttl_ms":9223372036854775807,`), ErrInvalid},
		"priority 10":                     {strings.Replace(order(""), `"priority":5`, `"priority":10`, 1), ErrInvalid},
		"service without itself":          {strings.Replace(order(""), `"job"`, `"api_service"`, 1), ErrInvalid},
		"job with a service":              {order(`"service":{"id":1,"name":"n"},`), ErrInvalid},
		"service 0":                       {strings.Replace(order(`"service":{"id":0,"name":"n"},`), `"job"`, `"api_service"`, 1), ErrInvalid},
		"service without name":            {strings.Replace(order(`"service":{"id":1},`), `"job"`, `"api_service"`, 1), ErrInvalid},
		"job without time":                {strings.Replace(order(""), `1000`, `0`, 1), ErrInvalid},
		"said at -1":                      {body(KindServiceSaid, `"seq":-1,"message":{}`), ErrInvalid},
		"said nothing":                    {body(KindServiceSaid, `"seq":1`), ErrInvalid},
		"said null":                       {body(KindServiceSaid, `"seq":1,"message":null`), ErrInvalid},
		"said an array":                   {body(KindServiceSaid, `"seq":1,"message":[]`), ErrInvalid},
		"said too much":                   {body(KindServiceSaid, `"seq":1,"message":{"x":"%s"}`, strings.Repeat("x", MaxServiceMessage)), ErrInvalid},
		"taken nothing":                   {body(KindServiceTaken, `"seq":0`), ErrInvalid},
		"credit of -1 services":           {`{"kind":"credit","body":{"n":1,"services":-1}}`, ErrInvalid},
		"hello with services -1":          {`{"kind":"hello","body":{"protocol":1,"server_xid":"x","services":-1}}`, ErrInvalid},
		"order as an array":               {`{"kind":"order","body":[]}`, ErrInvalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := Decode([]byte(c.frame))
			if m != nil || !errors.Is(err, c.want) {
				t.Errorf("got %v, %v, want %v", m, err, c.want)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
		})
	}
}

// What an order or a hello carries must not get into the error that refuses it.
func TestDecodeErrorsTellNoSecret(t *testing.T) {
	for name, frame := range map[string]string{
		"not JSON":              `{"kind":"order","body":{"params":{"p":"hunter2"`,
		"wrong type":            `{"kind":"order","body":{"params":{"p":["hunter2"]}}}`,
		"map for text":          `{"kind":"order","body":{"token":{"hunter2":1}}}`,
		"text for map":          `{"kind":"order","body":{"params":"hunter2"}}`,
		"number for text":       `{"kind":"hello","body":{"broker_token":1234567890}}`,
		"invalid order":         `{"kind":"order","body":{"order":"o","attempt":1,"token":"hunter2","params":{"p":"hunter2"},"defaults":{"d":"hunter2"}}}`,
		"invalid hello":         `{"kind":"hello","body":{"protocol":1,"broker_token":"hunter2"}}`,
		"long token":            `{"kind":"hello","body":{"protocol":1,"server_xid":"x","broker_token":"` + strings.Repeat("hunter2", 600) + `"}}`,
		"service message":       `{"kind":"service_send","body":{"order":"o","attempt":0,"message":{"apiToken":"hunter2"}}}`,
		"service message, text": `{"kind":"service_send","body":{"order":"o","attempt":1,"message":"hunter2"}}`,
		"bad escape":            `{"kind":"order","body":{"token":"hunter2\x"}}`,
	} {
		_, err := Decode([]byte(frame))
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "1234567890") {
			t.Errorf("%s: got %v, want an error without the secret", name, err)
		}
	}
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	for _, m := range []Message{&Credit{}, &Ready{}, &Log{Ref: ref, Stream: Stdout}, &Order{}} {
		if _, err := Encode(m); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want %v", m.Kind(), err, ErrInvalid)
		}
	}
	big := &Control{Action: ActionDrain, Args: map[string]string{"x": strings.Repeat("x", MaxFrame)}}
	if _, err := Encode(big); !errors.Is(err, ErrFrameTooLarge) {
		t.Errorf("got %v, want %v", err, ErrFrameTooLarge)
	}
}

// HTML's characters need no escape here; escaped, a frame that was received could be too large to
// send on.
func TestEncodeDoesNotGrowAFrame(t *testing.T) {
	m := &Control{Action: ActionDrain, Args: map[string]string{"x": strings.Repeat("<", MaxFrame-100)}}
	if _, err := Encode(m); err != nil {
		t.Error(err)
	}
}

func TestFrames(t *testing.T) {
	var b bytes.Buffer
	for _, payload := range []string{"x", strings.Repeat("y", MaxFrame)} {
		if err := WriteFrame(&b, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFrame(&b); err != nil || string(got) != payload {
			t.Errorf("got %d bytes and %v, want %d", len(got), err, len(payload))
		}
	}
	if err := WriteFrame(&b, nil); !errors.Is(err, ErrEmptyFrame) {
		t.Errorf("empty frame: got %v", err)
	}
	if err := WriteFrame(&b, make([]byte, MaxFrame+1)); !errors.Is(err, ErrFrameTooLarge) {
		t.Errorf("large frame: got %v", err)
	}
	if b.Len() != 0 {
		t.Errorf("refused frames left %d bytes", b.Len())
	}
	for in, want := range map[string]error{
		"": io.EOF, "\x00\x00": io.ErrUnexpectedEOF, "\x00\x00\x00\x05abc": io.ErrUnexpectedEOF, "\x00\x00\x00\x05": io.ErrUnexpectedEOF,
		"\x00\x00\x00\x00": ErrEmptyFrame, "\x00\x04\x00\x01": ErrFrameTooLarge, "GET / HTTP/1.1\r\n": ErrFrameTooLarge,
	} {
		if _, err := ReadFrame(strings.NewReader(in)); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", in, err, want)
		}
	}
}

// FuzzDecode: whatever is accepted can be sent on and means the same.
func FuzzDecode(f *testing.F) {
	for _, m := range samples() {
		frame, err := Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := Decode(frame)
		if len(frame) < MaxFrame { // a space in front has the envelope read as any JSON
			other, otherErr := Decode(append([]byte(" "), frame...))
			if (err == nil) != (otherErr == nil) || !cmp.Equal(m, other) {
				t.Errorf("got %v, %v; with a space in front %v, %v", m, err, other, otherErr)
			}
		}
		if err != nil {
			return
		}
		again, err := Encode(m)
		if errors.Is(err, ErrFrameTooLarge) {
			return // replaced invalid UTF-8 is longer
		}
		if err != nil {
			t.Fatalf("encoding what was decoded: %v", err)
		}
		got, err := Decode(again)
		if err != nil {
			t.Fatalf("decoding what was encoded: %v", err)
		}
		if diff := cmp.Diff(m, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("changed (-first +second):\n%s", diff)
		}
	})
}

// FuzzReadFrame: a stream is read without panic, and no more memory is taken than arrives or one
// frame may have.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01x\x00\x00\x00\x02yz"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bytes.NewReader(stream)
		var again bytes.Buffer
		for {
			payload, err := ReadFrame(r)
			if err != nil {
				break
			}
			if err := WriteFrame(&again, payload); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(stream, again.Bytes()) {
			t.Error("frames changed")
		}
	})
}
