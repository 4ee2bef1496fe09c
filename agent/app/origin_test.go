package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/signature"
)

// TestOrigin: what a package says of itself is kept, whatever the order calls it, and found again if it is
// lost.
func TestOrigin(t *testing.T) {
	dir, x := t.TempDir(), noop(t, "3.1.4")
	x.ref.Name, x.ref.Version = "Something Else", "9.9"
	sum, err := signature.Digest(bytes.NewReader(x.data))
	if err != nil {
		t.Fatal(err)
	}
	want := Origin{SHA256: x.ref.SHA256, Name: "Test_-_Noop", Version: "3.1.4", Digest: sum[:]}
	c := catalog(t, dir)
	if _, err := c.Install(t.Context(), x.ref, x.fetch); err != nil {
		t.Fatal(err)
	}
	away := func(context.Context, int64) (io.ReadCloser, error) { return nil, errors.New("the cloud is away") }
	check := func(c *Catalog, fetch Fetch) {
		t.Helper()
		got, err := c.Origin(t.Context(), x.ref, fetch)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	check(c, away)
	if err := c.KeepSignature(want, "a signature"); err != nil {
		t.Fatal(err)
	}
	want.Signature = "a signature"
	check(c, away)
	check(catalog(t, dir), away)
	if info, err := os.Stat(c.originOf(x.ref.SHA256)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want a file that only the agent reads", info, err)
	}

	// One that an older agent installed, or that is damaged; "" is none.
	for _, text := range []string{"", `{"name":"Other"}`, `{"name":"Other`, `{"names":"Other"}`} {
		err := os.Remove(c.originOf(x.ref.SHA256))
		if text != "" {
			err = os.WriteFile(c.originOf(x.ref.SHA256), []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		want.Signature = ""
		c = catalog(t, dir)
		var log bytes.Buffer
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		if _, err := c.Origin(t.Context(), x.ref, away); Code(err) != "app.download" {
			t.Errorf("got %v, want app.download", err)
		}
		if said := strings.Contains(log.String(), "it is not what belongs there"); said != (text != "") {
			t.Errorf("%q: the log says %q", text, &log)
		}
		check(c, x.fetch)
		if n := c.leftovers(t); len(n) > 0 {
			t.Errorf("left over: %q", n)
		}
	}
	if _, err := c.Prune(0, func(App) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.originOf(x.ref.SHA256)); !os.IsNotExist(err) {
		t.Errorf("it outlived the App: %v", err)
	}
}
