package masterkey

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/secret/keychain"
)

func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUnlockGoesThroughTheSources: a wrong or unreadable one is passed over, and named when none is
// right.
func TestUnlockGoesThroughTheSources(t *testing.T) {
	dir := t.TempDir()
	k, err := keychain.Create(filepath.Join(dir, "keychain.json"), []byte("the right one"))
	if err != nil {
		t.Fatal(err)
	}
	credentials := func(name string) string {
		if name == "CREDENTIALS_DIRECTORY" {
			return dir
		}
		return ""
	}
	none := func(string) string { return "" }
	right := file(t, dir, "right", "the right one\n")
	file(t, dir, Name, "the right one")
	for _, tc := range []struct {
		name string
		c    Config
		from string // part of it
		err  error
		says []string
	}{
		{"nothing", Config{Getenv: none}, "", keychain.ErrLocked, nil},
		{"file", Config{Getenv: none, File: right}, `file "`, nil, nil},
		{"credential wins over the file", Config{Getenv: credentials, File: right}, "credential", nil, nil},
		{"kept wins over all", Config{Getenv: credentials, Kept: []byte("the right one")}, "descriptor store", nil, nil},
		{"kept is of before a change", Config{Getenv: none, Kept: []byte("the old one"), File: right}, `file "`, nil, nil},
		{"all are wrong", Config{Getenv: none, Kept: []byte("the old one"), File: filepath.Join(dir, "none")}, "", keychain.ErrWrongPassword,
			[]string{"descriptor store", "none"}},
		{"the file has none", Config{Getenv: none, Kept: []byte("the old one"), File: file(t, dir, "empty", "\n")}, "", keychain.ErrWrongPassword,
			[]string{"reading a password: there is none in it"}},
	} {
		k.Lock()
		from, password, err := Unlock(t.Context(), k, Sources(tc.c))
		if !errors.Is(err, tc.err) || tc.err == nil && (!strings.Contains(from, tc.from) || string(password) != "the right one" || k.Locked()) {
			t.Errorf("%s: got %q, %v", tc.name, from, err)
		}
		for _, want := range tc.says {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", tc.name, err, want)
			}
		}
		if err != nil && (strings.Contains(err.Error(), "old one") || strings.Contains(err.Error(), "right one")) {
			t.Errorf("%s: the error has a password: %v", tc.name, err)
		}
	}
	if _, _, err := First(context.Background(), Sources(Config{Getenv: none})); !errors.Is(err, keychain.ErrLocked) {
		t.Errorf("First of nothing: %v", err)
	}
}
