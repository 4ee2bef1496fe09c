package registry_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/registry"
)

func TestLinks(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	q := registry.Request{Environment: "lab", Name: "one"}
	token, expires, err := c.NewLink(t.Context(), q, "all", time.Hour)
	if err != nil || time.Until(expires) < 59*time.Minute {
		t.Fatalf("expires %s, %v", expires, err)
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for _, gateway := range []*registry.Registry{c.Registry, c.gateway(), c.Registry, c.gateway()} {
		wg.Go(func() {
			var kind string
			got, err := gateway.UseLink(t.Context(), token, &kind)
			switch {
			case err == nil:
				won.Add(1)
				if got != q || kind != "all" {
					t.Errorf("got %+v, %q", got, kind)
				}
			case !errors.Is(err, registry.ErrLink):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("a link was used %d times", won.Load())
	}
	late, _, err := c.NewLink(t.Context(), q, "all", -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"used": token, "expired": late, "foreign": "guess", "empty": ""} {
		if _, err := c.UseLink(t.Context(), token, new(string)); !errors.Is(err, registry.ErrLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := c.NewLink(t.Context(), registry.Request{Environment: "none"}, "all", time.Hour); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a link into no Environment: %v", err)
	}
	if _, _, err := c.NewLink(t.Context(), registry.Request{Environment: "lab", Server: "none"}, "env", time.Hour); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a link for no server: %v", err)
	}
}
