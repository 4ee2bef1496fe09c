package order

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/journal"
)

// TestKnown: an order that the journal has is not started once more.
func TestKnown(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(filepath.Join(dir, "journal"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	apps, err := app.Open(app.CatalogConfig{Dir: filepath.Join(dir, "programs")})
	if err != nil {
		t.Fatal(err)
	}
	spec := wire.Order{Ref: wire.Ref{Order: "again", Attempt: 1}}
	if _, err := j.Accept(journal.Entry{Order: spec}); err != nil {
		t.Fatal(err)
	}
	before, _ := j.Get(spec.Ref)
	o := New(&Config{Sessions: &Sessions{}, Journal: j, Apps: apps, BootID: func() string { return "boot" }, Logger: slog.New(slog.DiscardHandler)}, spec)
	if err := o.Run(t.Context()); !errors.Is(err, ErrKnown) {
		t.Errorf("got %v, want %v", err, ErrKnown)
	}
	after, _ := j.Get(spec.Ref)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the journal's entry: %s", diff)
	}
}
