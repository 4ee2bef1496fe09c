package dispatch

import (
	"fmt"
	"maps"
	"slices"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// sealedTo are the keys each of which opens all sealed parameters, as a record has them; nil if none
// is sealed. Its errors name parameters and never quote their values.
func sealedTo(params map[string]string) ([]string, error) {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !envelope.IsSealed(params[name]) {
			continue
		}
		ids, err := envelope.Recipients(params[name])
		if err != nil {
			return nil, fmt.Errorf("parameter %.80q looks sealed: %w", name, err)
		}
		keys := make([]string, len(ids))
		for i, id := range ids {
			keys[i] = id.String()
		}
		if all == nil {
			all = keys
			continue
		}
		if all = slices.DeleteFunc(all, func(k string) bool { return !slices.Contains(keys, k) }); len(all) == 0 {
			return nil, fmt.Errorf("parameter %.80q is sealed to other servers than those before it: no server can open all", name)
		}
	}
	return all, nil
}

// OpensWith tells, before [Session.Open], with the ids of which keys the server opens sealed parameters.
func (s *Session) OpensWith(keys []string) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.opens = keys
}

// takers are the servers that may take an order.
type takers struct {
	keys   []string       // they open what is sealed with one of these; nil = nothing is sealed
	server wire.ServerXID // the only one; "" = any
	// service: it takes no slot, and only servers that have room for services may take it.
	service bool
}

func takersOf(r *record.Record) takers { return takers{r.SealedTo, r.Only, r.Runtime.Service()} }

// certain reports whether not every server of the Environment may take the order.
func (t takers) certain() bool { return t.keys != nil || t.server != "" }

func (t takers) equal(o takers) bool {
	return t.server == o.server && t.service == o.service && slices.Equal(t.keys, o.keys)
}

// have reports whether the session's server is one of them. Dispatcher.mu is held.
func (t takers) have(s *Session) bool {
	return (t.server == "" || t.server == s.xid) &&
		(t.keys == nil || slices.ContainsFunc(t.keys, func(k string) bool { return slices.Contains(s.opens, k) }))
}
