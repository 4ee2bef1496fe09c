package spec

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// FuzzDecodeWord: a word that is accepted can be passed on, and no error quotes one.
func FuzzDecodeWord(f *testing.F) {
	for _, w := range []Word{
		{Send: json.RawMessage(`{"apiToken":"hunter2"}`)}, {Taken: 3}, {Again: true}, {Seq: 1, Said: json.RawMessage(`{}`)},
		{State: &ServiceState{State: ServiceReady, Since: time.Unix(1, 0).UTC(), Metric: json.RawMessage(`{"Hits":1}`)}},
	} {
		line, err := EncodeWord(w)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte(`{"send":"hunter2"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		w, err := DecodeWord(line)
		if err != nil {
			if bytes.Contains([]byte(err.Error()), []byte("hunter2")) {
				t.Errorf("the error quotes the word: %v", err)
			}
			return
		}
		again, err := EncodeWord(w)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeWord(again); err != nil {
			t.Errorf("%q became %q: %v", line, again, err)
		}
	})
}

// FuzzMessage: what an App publishes is one line of JSON afterwards, or nothing.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"command": "FireEvent", "triggerId": 42}`))
	f.Add([]byte("{\"command\":\"x\"}\n{}"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, command, err := Message(payload)
		if err == nil && (command == "" || !json.Valid(m) || m[0] != '{' || bytes.ContainsAny(m, "\r\n")) {
			t.Errorf("%q became %q %q", payload, command, m)
		}
	})
}
