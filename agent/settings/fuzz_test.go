package settings

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzSetLoad: a text that Set takes comes back from Load as it was, whatever YAML would make of
// it.
func FuzzSetLoad(f *testing.F) {
	for _, seed := range []string{"x", "007", "1e3", "true", "~", "null", " ", "- a", "*a", "a: b", "'", "\"", "#", "\u0085", "\ufeff", "\u2028", "\xff", "2024-01-01", "=", "|"} {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(dir, "settings.yaml")
		if err := Set(file, map[string]string{"proxyPassword": text, "proxyUsername": text}, nil); err != nil {
			return
		}
		s, _, err := Load(Options{File: file})
		if err != nil {
			written, _ := os.ReadFile(file)
			t.Fatalf("Load of what Set wrote: %v\n%s", err, written)
		}
		if s.ProxyPassword.Reveal() != text || s.ProxyUsername != text {
			t.Errorf("got %q and %q, want %q", s.ProxyPassword.Reveal(), s.ProxyUsername, text)
		}
	})
}

// FuzzLoad: no file makes Load panic, and what it accepts it can save.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"", "proxyHost: p\nproxyPort: 1\n", "a: &a [*a]", "? x", "---\n---\n", "proxyPort: 0x1F", "brokerToken: !!binary AA==", "proxyTC: yes", "1: 2", "{}", "\xef\xbb\xbfproxyHost: p"} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(dir, "settings.yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		first, _, err := Load(Options{File: file})
		if err != nil {
			return
		}
		if err := Set(file, nil, nil); err != nil {
			t.Fatalf("Set of what Load took: %v", err)
		}
		if second, _, err := Load(Options{File: file}); err != nil || second.ProxyHost != first.ProxyHost || second.Drain != first.Drain ||
			!second.BrokerToken.Equal(first.BrokerToken) {
			t.Errorf("saving changed the settings: %v", err)
		}
	})
}
