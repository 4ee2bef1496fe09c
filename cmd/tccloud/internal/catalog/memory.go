package catalog

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// memory is a copy of the catalog's entries, fed by a watch of the bucket: each order looks for its App, and
// to list keys costs the store a consumer. What this process has written is in it before it is asked again;
// what other gateways write comes within moments.
type memory struct {
	mu       sync.Mutex
	complete bool                      // all entries were seen
	apps     map[string]map[string]App // by the name's part of the key, and by the key
	seen     map[string]uint64         // revision of the last change of a key
	since    map[string]bool           // keys that came since all were seen last
	awaited  map[string]uint64         // revisions that this process has written and not seen
	broken   map[string]bool           // keys whose entries cannot be read
}

func newMemory() *memory {
	return &memory{apps: map[string]map[string]App{}, seen: map[string]uint64{}, since: map[string]bool{}, awaited: map[string]uint64{}, broken: map[string]bool{}}
}

// take takes what a watch says; nil: that was all there is.
func (m *memory) take(e jetstream.KeyValueEntry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e == nil {
		for _, versions := range m.apps { // a watch that began again has named all that is left
			maps.DeleteFunc(versions, func(key string, _ App) bool { return m.complete && !m.since[key] })
		}
		clear(m.since)
		m.complete = true
		return
	}
	key := e.Key()
	m.since[key], m.seen[key] = true, e.Revision()
	if m.awaited[key] <= e.Revision() {
		delete(m.awaited, key)
	}
	name, _, _ := strings.Cut(key, ".")
	delete(m.apps[name], key)
	delete(m.broken, key)
	if e.Operation() != jetstream.KeyValuePut {
		return
	}
	var a App
	if json.Unmarshal(e.Value(), &a) != nil {
		m.broken[key] = true // the store is asked, and says why
		return
	}
	if m.apps[name] == nil {
		m.apps[name] = map[string]App{}
	}
	m.apps[name][key] = a
}

// wrote says that this process has made the revision of a key.
func (m *memory) wrote(key string, revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[key] < revision {
		m.awaited[key] = max(m.awaited[key], revision)
	}
}

// find returns a version of an App, the newest for version "", and false where the store must be asked:
// only that tells that an App is not there.
func (m *memory) find(name, version string) (App, bool) {
	if version == "" {
		list := m.versions(name)
		if len(list) == 0 {
			return App{}, false
		}
		return slices.MinFunc(list, newer), true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.apps[short(name)][key(name, version)]
	return a, ok && m.sure()
}

// versions are all of an App, or none where the store must be asked.
func (m *memory) versions(name string) []App {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.sure() {
		return nil
	}
	return slices.Collect(maps.Values(m.apps[short(name)]))
}

// sure reports whether all that is stored is in memory. memory.mu is held.
func (m *memory) sure() bool { return m.complete && len(m.awaited) == 0 && len(m.broken) == 0 }
