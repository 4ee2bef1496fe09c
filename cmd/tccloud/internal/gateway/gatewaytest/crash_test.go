package gatewaytest

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestSnapshot: what is copied was there at one moment, although files are replaced meanwhile, as
// NATS does.
func TestSnapshot(t *testing.T) {
	from := t.TempDir()
	replace := func(name string, n int) {
		path := filepath.Join(from, name)
		if err := os.WriteFile(path+".tmp", []byte(strconv.Itoa(n)), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(path+".tmp", path); err != nil {
			t.Error(err)
		}
	}
	step := func(n int) {
		replace("a, first", n)
		replace("b, last", n)
	}
	step(0)
	stop, done := make(chan struct{}), make(chan struct{})
	defer func() { close(stop); <-done }()
	go func() {
		defer close(done)
		for n := 1; ; n++ {
			step(n)
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(n%10) * time.Millisecond):
			}
		}
	}()
	for range 50 {
		to := filepath.Join(t.TempDir(), "copy")
		if err := snapshot(to, from); err != nil {
			t.Fatal(err)
		}
		var n [2]int
		for i, name := range []string{"a, first", "b, last"} {
			content, err := os.ReadFile(filepath.Join(to, name))
			if err == nil {
				n[i], err = strconv.Atoi(string(content))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if d := n[0] - n[1]; d != 0 && d != 1 {
			t.Errorf("the copy has step %d of what is written first and step %d of what is written last", n[0], n[1])
		}
	}
}
