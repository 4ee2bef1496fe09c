package dispatch

import (
	"fmt"
	"maps"
	"slices"

	"tcenvsvr/agent/secret/envelope"
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
