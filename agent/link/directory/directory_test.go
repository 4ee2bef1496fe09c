package directory

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// TestWhoseWordCounts: what the cloud names is used while the setting is the cloud's own, also after a
// restart.
func TestWhoseWordCounts(t *testing.T) {
	type step struct{ setting, named, want string }
	for name, steps := range map[string][]step{
		"the bundle's, then more":            {{"a:1", "a:1,b:2", "b:2"}, {"a:1", "c:3,b:2", "b:2,c:3"}},
		"nothing is no news":                 {{"a:1", "a:1,b:2", "b:2"}, {"a:1", "", "b:2"}},
		"another name from the start":        {{"nat:1", "a:1,b:2", ""}},
		"set here afterwards":                {{"a:1", "a:1,b:2", "b:2"}, {"b:2", "a:1,b:2,c:3", ""}},
		"set here, and back":                 {{"a:1", "a:1,b:2", "b:2"}, {"x:1", "a:1,b:2", ""}, {"a:1", "a:1,b:2", "b:2"}},
		"set to just what the cloud names":   {{"a:1", "a:1,b:2", "b:2"}, {"B:2,a:1", "a:1,b:2", ""}, {"a:1,b:2", "a:1,b:2,c:3", "c:3"}},
		"what is no address is not taken":    {{"a:1", "a:1,b:2", "b:2"}, {"a:1", "a:1,http://b", "b:2"}, {"a:1", "a:1,b b:1", "b:2"}, {"a:1", "a:1,c:0", "b:2"}, {"a:1", strings.Repeat("a:1,", 16) + "a:1", "b:2"}},
		"IPv6, and a name written otherwise": {{"A.Example:1", "a.example:1,[::1]:2", "[::1]:2"}},
	} {
		file := filepath.Join(t.TempDir(), "brokers.json")
		for i, s := range steps {
			d := Open(file, "x", list(s.setting), slog.New(slog.DiscardHandler))
			d.Learn(list(s.named))
			if got := strings.Join(d.Brokers(), ","); got != s.want {
				t.Errorf("%s: step %d: got %q, want %q", name, i, got, s.want)
			}
			again := Open(file, "x", list(s.setting), slog.New(slog.DiscardHandler))
			if got := again.Brokers(); !slices.Equal(got, d.Brokers()) || !reflect.DeepEqual(again.Status(), d.Status()) {
				t.Errorf("%s: step %d: after a restart %q, %+v", name, i, got, again.Status())
			}
			if other := Open(file, "y", list(s.setting), slog.New(slog.DiscardHandler)); other.Status() != nil {
				t.Errorf("%s: another identity knows %+v", name, other.Status())
			}
		}
	}
}

// TestDamage: what cannot be read is as nothing, what cannot be written does not count, and a cloud
// that never stops talking has little written.
func TestDamage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "brokers.json")
	var log bytes.Buffer
	open := func() *Directory {
		log.Reset()
		return Open(file, "x", list("a:1"), slog.New(slog.NewTextHandler(&log, nil)))
	}
	many, err := json.Marshal(record{Brokers: slices.Repeat([]string{"a:1"}, 17)})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "unexpected end", "{": "unexpected end", `{"brokers":["a b"]}`: "is not host:port", string(many): "17 brokers, at most 16 are possible",
		strings.Repeat(" ", maxFile+1): "it is no file of at most 65536 bytes",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if d := open(); d.Status() != nil || !strings.Contains(log.String(), "are forgotten until it names them again") || !strings.Contains(log.String(), want) {
			t.Errorf("of %.20q: %+v, %s, want %q", text, d.Status(), &log, want)
		}
	}
	d := open()
	for range 50 {
		d.Learn(list("a:1,b:1"))
		d.Learn(list("a:1,c:1"))
	}
	if n := strings.Count(log.String(), "the cloud named its brokers"); n != changesPerMinute {
		t.Errorf("%d changes were taken", n)
	}
	file = filepath.Join(t.TempDir(), "gone", "brokers.json")
	if d = open(); d.Status() != nil {
		t.Errorf("without a file: %+v", d.Status())
	}
	if d.Learn(list("a:1,b:1")); d.Status() != nil || !strings.Contains(log.String(), "not kept") {
		t.Errorf("memory is ahead of the disk: %+v, %s", d.Status(), &log)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"server_xid":"x","setting":["a:1"],"brokers":["a:1","[::1]:62000"],"later":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := decode(text); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("got %+v, %v, want %+v", again, err, r)
		}
	})
}
