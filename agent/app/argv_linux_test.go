package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// While an App of each way to pass parameters runs, no process of the host shows its secrets in its
// arguments.
func TestSecretsAreInNoArguments(t *testing.T) {
	h := newHost(t)
	const hidden = "hidden-value-4711"
	for _, feature := range []string{"fileparams", "secureparams", "none"} {
		t.Run(feature, func(t *testing.T) {
			a := h.install(t, "sleep")
			a.Manifest.Features = []string{feature}
			p, e := h.start(t, a, map[string]string{"seconds": "30", "password": hidden}, nil)
			defer func() {
				if err := p.Cancel(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := p.Wait(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			for !strings.Contains(output(t, e), "started") {
				time.Sleep(5 * time.Millisecond)
			}
			files, err := filepath.Glob("/proc/[0-9]*/cmdline")
			if err != nil || len(files) == 0 {
				t.Fatalf("got %d processes, %v", len(files), err)
			}
			seen := false
			for _, f := range files {
				argv, err := os.ReadFile(f)
				if err != nil {
					continue // ended meanwhile
				}
				seen = seen || bytes.Contains(argv, []byte("run.py")) || bytes.Contains(argv, []byte(e.JobDir))
				if bytes.Contains(argv, []byte(hidden)) || bytes.Contains(argv, []byte(e.Token)) {
					t.Errorf("%s shows a secret: %q", f, argv)
				}
			}
			if !seen {
				t.Error("the App itself was not among them")
			}
		})
	}
}
