package registry_test

import (
	"errors"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/registry"
)

// TestSweep: what was revoked long ago and what has expired goes, in every gateway's memory too;
// nothing else does.
func TestSweep(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	q := registry.Request{Environment: "lab"}
	kept, gone, again := c.issue(q), c.issue(q), c.issue(q)
	for _, i := range []registry.Issued{gone, again} {
		if _, err := c.Revoke(t.Context(), i.XID); err != nil {
			t.Fatal(err)
		}
	}
	c.issue(registry.Request{Environment: "lab", Server: again.XID}) // a new bundle ends it
	good, _, err := c.NewLink(t.Context(), q, "all", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.NewLink(t.Context(), q, "all", -time.Second); err != nil {
		t.Fatal(err)
	}
	if err := c.Sweep(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Server(gone.XID); err != nil {
		t.Errorf("a server revoked a moment ago: %v", err)
	}
	if err := c.Sweep(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	other := c.gateway()
	for name, r := range map[string]*registry.Registry{"own": c.Registry, "other": other} {
		if _, err := r.Server(gone.XID); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%s: the revoked server: %v", name, err)
		}
		for _, i := range []registry.Issued{kept, again} {
			if _, err := r.Server(i.XID); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := c.UseLink(t.Context(), good, new(string)); err != nil {
		t.Errorf("a link that is good: %v", err)
	}
}
