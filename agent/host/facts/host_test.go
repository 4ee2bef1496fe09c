package facts

import (
	"strings"
	"testing"
)

func TestFactsOfThisHost(t *testing.T) {
	h, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := h.Facts(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if f.Hostname == "" || f.Platform == "" || f.CPUs < 1 || f.MemoryTotal == 0 || f.MemoryFree > f.MemoryTotal ||
		f.DiskTotal == 0 || f.DiskFree > f.DiskTotal {
		t.Errorf("got %+v, want every fact", f)
	}
	again, err := New(t.Context())
	if err != nil || h.BootID() == "" || len(h.BootID()) > 64 || again.BootID() != h.BootID() {
		t.Errorf("boot id: got %q and %q, want the same twice", h.BootID(), again.BootID())
	}
}

func TestAMissingFactLeavesTheOthers(t *testing.T) {
	h, _ := New(t.Context())
	f, err := h.Facts(t.Context(), "/no/such/folder")
	if err == nil || !strings.Contains(err.Error(), `disk space of "/no/such/folder"`) {
		t.Errorf("got %v, want an error that names the folder", err)
	}
	if f.DiskTotal != 0 || f.MemoryTotal == 0 || f.Hostname == "" {
		t.Errorf("got %+v, want all but the disk", f)
	}
}

func BenchmarkFacts(b *testing.B) {
	h, err := New(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := h.Facts(b.Context(), "/"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMachineID: it is the same each time and is not the one others know.
func TestMachineID(t *testing.T) {
	one, _ := New(t.Context())
	two, _ := New(t.Context())
	raw, err := machineID(t.Context())
	if err != nil || raw == "" {
		t.Skipf("this host has no machine id: %v", err)
	}
	if id := one.MachineID(); id == "" || id != two.MachineID() || id == raw || len(id) > 64 {
		t.Errorf("machine id %q, again %q, of %q", id, two.MachineID(), raw)
	}
}
