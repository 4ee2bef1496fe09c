package catalog

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
)

// change is an entry that a watch has seen.
type change struct {
	jetstream.KeyValueEntry
	key      string
	revision uint64
	op       jetstream.KeyValueOp
	value    []byte
}

func (c change) Key() string                     { return c.key }
func (c change) Revision() uint64                { return c.revision }
func (c change) Operation() jetstream.KeyValueOp { return c.op }
func (c change) Value() []byte                   { return c.value }

// TestMemory: what is known is the newest version; where a watch lags behind, broke off or saw what cannot be
// read, the store is asked.
func TestMemory(t *testing.T) {
	m := newMemory()
	k1, k2 := key("App", "1.0.0"), key("App", "2.0.0")
	put := func(key, version string, revision uint64) {
		data, err := json.Marshal(App{AppRef: wire.AppRef{Name: "App", Version: version}})
		if err != nil {
			t.Fatal(err)
		}
		m.take(change{key: key, revision: revision, value: data})
	}
	newest := func() string {
		a, _ := m.find("App", "")
		return a.Version
	}
	is := func(what, want string) {
		t.Helper()
		if got := newest(); got != want {
			t.Errorf("%s: newest is %q, want %q", what, got, want)
		}
	}
	put(k1, "1.0.0", 1)
	is("before all was seen", "")
	m.take(nil)
	is("one", "1.0.0")
	m.wrote(k2, 2)
	is("written and not seen", "")
	put(k2, "2.0.0", 2)
	m.wrote(k2, 2)
	is("two", "2.0.0")
	m.wrote(k2, 3)
	m.take(change{key: k2, revision: 3, op: jetstream.KeyValuePurge})
	is("removed", "1.0.0")
	m.take(change{key: k1, revision: 4, value: []byte("{")})
	is("not readable", "")
	put(k1, "1.0.0", 5)
	put(k2, "2.0.0", 6)
	m.take(nil)
	is("all again", "2.0.0")
	put(k1, "1.0.0", 5) // the watch begins again, and k2 has gone meanwhile
	m.take(nil)
	is("after a lost watch", "1.0.0")
}
