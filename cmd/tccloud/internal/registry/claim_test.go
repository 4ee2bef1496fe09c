package registry_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// TestNameAtOnce has two gateways give one name to several servers in the same moment: one gets it.
func TestNameAtOnce(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	gateways := []*registry.Registry{c.gateway(), c.gateway()} // neither follows the other
	for round := range 5 {
		name := fmt.Sprintf("server %d", round)
		var all sync.WaitGroup
		var mu sync.Mutex
		made, taken := 0, 0
		start := make(chan struct{})
		for i := range 8 {
			all.Go(func() {
				<-start
				_, err := gateways[i%2].Issue(t.Context(), registry.Request{Environment: "lab", Name: name})
				mu.Lock()
				defer mu.Unlock()
				var refused *registry.NameTaken
				switch {
				case err == nil:
					made++
				case errors.As(err, &refused) && refused.Name == name && refused.XID != "":
					taken++
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		if made != 1 || taken != 7 {
			t.Errorf("%d servers have the name %q and %d were refused, want 1 and 7", made, name, taken)
		}
	}
}

// TestNameIsFreeAgain: what a server does not have any more is another's, at once and through another
// gateway.
func TestNameIsFreeAgain(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	c.environment("plant")
	issue := func(q registry.Request) wire.ServerXID {
		t.Helper()
		out, err := c.gateway().Issue(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return out.XID
	}
	taken := func(q registry.Request) {
		t.Helper()
		if _, err := c.gateway().Issue(t.Context(), q); !isTaken(err) {
			t.Fatalf("%+v: got %v; want that the name is taken", q, err)
		}
	}
	first := issue(registry.Request{Environment: "lab", Name: "one"})
	taken(registry.Request{Environment: "lab", Name: "one"})
	issue(registry.Request{Environment: "lab", Name: "one", Server: first}) // another bundle for it
	if _, err := c.gateway().Rename(t.Context(), first, "two"); err != nil {
		t.Fatal(err)
	}
	taken(registry.Request{Environment: "lab", Name: "two"})
	second := issue(registry.Request{Environment: "lab", Name: "one"})
	if _, err := c.gateway().Rename(t.Context(), first, "one"); !isTaken(err) {
		t.Fatalf("renaming to a name that is taken: %v", err)
	}
	if _, err := c.gateway().Revoke(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	issue(registry.Request{Environment: "lab", Name: "one"})

	// A server that moves takes its name with it.
	issue(registry.Request{Environment: "plant", Name: "two"})
	taken(registry.Request{Environment: "plant", Server: first})
	issue(registry.Request{Environment: "plant", Server: first, Name: "three"})
	taken(registry.Request{Environment: "plant", Name: "three"})

	// Claims that nobody needs go; "three" waits for its first use.
	kv, err := c.store.KV(t.Context(), registry.Bucket, store.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims := func() (n int) {
		keys, err := kv.ListKeysFiltered(t.Context(), "nam.*")
		if err != nil {
			t.Fatal(err)
		}
		for range keys.Keys() {
			n++
		}
		return n
	}
	if err := c.gateway().DeleteEnvironment(t.Context(), "plant"); err != nil {
		t.Fatal(err)
	}
	before := claims()
	if err := c.gateway().Sweep(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if after := claims(); before != 4 || after != 3 {
		t.Errorf("%d claims, after the sweep %d; want 4 and 3", before, after)
	}
}

func isTaken(err error) bool {
	_, taken := errors.AsType[*registry.NameTaken](err)
	return taken
}
