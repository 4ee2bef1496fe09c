package password

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const good = "correct horse battery"

func cheap() *Hasher { return New(Cost{MemoryKiB: 64, Passes: 1, Iterations: 1000}) }

func TestVerify(t *testing.T) {
	h := cheap()
	stored, err := h.Hash(t.Context(), good)
	if err != nil || strings.Contains(stored, "horse") {
		t.Fatal(stored, err)
	}
	again, _ := h.Hash(t.Context(), good)
	if again == stored {
		t.Error("two hashes have one salt")
	}
	for password, want := range map[string]bool{good: true, good + " ": false, "": false, strings.Repeat("x", MaxLength+1): false} {
		if ok, err := h.Verify(t.Context(), stored, password); ok != want || err != nil {
			t.Errorf("%.30q: got %t, %v", password, ok, err)
		}
	}
	for _, password := range []string{good, ""} {
		if ok, err := h.Verify(t.Context(), "", password); ok || err != nil {
			t.Errorf("nothing stored, %q: got %t, %v", password, ok, err)
		}
	}
	// ü as one character, and as u with two dots.
	one, _ := h.Hash(t.Context(), "schl\u00fcssel-bund")
	if ok, _ := h.Verify(t.Context(), one, "schlu\u0308ssel-bund"); !ok {
		t.Error("another keyboard is refused")
	}
}

// TestRecommendedCost: what users' passwords cost to guess.
func TestRecommendedCost(t *testing.T) {
	stored, err := New(Cost{}).Hash(t.Context(), good)
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("got %q, %v", stored, err)
	}
}

func TestWeak(t *testing.T) {
	for password, want := range map[string]string{
		"": "it has less than 12 bytes", "short": "it has less than 12 bytes", "eleven char": "it has less than 12 bytes",
		strings.Repeat("x", 20):         "it is one character, repeated",
		"line\nbreak in it":             "it has control characters",
		"nul\x00 in the middle":         "it has control characters",
		"\xff\xfe\xfd not UTF-8 text":   "it is not UTF-8",
		strings.Repeat("ab", MaxLength): "it has more than 1024 bytes",
	} {
		_, err := cheap().Hash(t.Context(), password)
		if !errors.Is(err, ErrWeak) || !strings.Contains(err.Error(), want) || password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("%.30q: got %v, want %s", password, err, want)
		}
	}
}

// TestBombs: a stored hash that would cost too much is refused, after the work of any other.
func TestBombs(t *testing.T) {
	salt, sum := strings.Repeat("A", 22), strings.Repeat("A", 43)
	for _, stored := range []string{
		"$argon2id$v=19$m=4194304,t=2,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=65536,t=4000000000,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=19456,t=2,p=255$" + salt + "$" + sum,
		"$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + sum,
		"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + sum,
		"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=19456,t=2,p=1$$" + sum,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$",
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + strings.Repeat("A", 200),
		"$argon2id$v=19$m=19456,t=2,p=1 $" + salt + "$" + sum,
		"$argon2id$v=19$m=+19456,t=2,p=1$" + salt + "$" + sum,
		"$pbkdf2-sha256$i=2000000000$" + salt + "$" + sum,
		"$pbkdf2-sha256$i=1$" + salt + "$" + sum,
		"$pbkdf2-sha256$i=-5$" + salt + "$" + sum,
		"$2b$12$" + salt + sum, "plain", "$", "$$$$$", strings.Repeat("$", 1<<20),
	} {
		h := cheap()
		if ok, err := h.Verify(t.Context(), stored, good); ok || !errors.Is(err, ErrStored) || h.Computed() != 1 {
			t.Errorf("%.60q: got %t, %v after %d hashes", stored, ok, err, h.Computed())
		}
	}
}

// TestAtOnce: a few are computed at a time, some wait, and the rest is refused.
func TestAtOnce(t *testing.T) {
	h := cheap()
	for range atOnce {
		h.slots <- struct{}{} // all are busy
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	results := make(chan error, 2*waiting)
	for range 2 * waiting {
		all.Go(func() {
			_, err := h.Verify(ctx, "", good)
			if errors.Is(err, ErrBusy) {
				results <- err
				return
			}
			results <- err
		})
	}
	busy := 0
	for busy < waiting-atOnce { // these come back at once
		if err := <-results; !errors.Is(err, ErrBusy) {
			t.Fatalf("got %v", err)
		}
		busy++
	}
	cancel()
	all.Wait()
	for range waiting + atOnce {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if h.queue.Load() != 0 {
		t.Error("somebody waits for ever")
	}
}

// TestFIPS: in that mode new passwords are kept by PBKDF2, and those of argon2id are not checked.
func TestFIPS(t *testing.T) {
	if os.Getenv("IN_FIPS_MODE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFIPS$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=on", "IN_FIPS_MODE=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestFIPS") {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	h := New(Cost{})
	stored, err := h.Hash(t.Context(), good)
	if err != nil || !strings.HasPrefix(stored, "$pbkdf2-sha256$i=600000$") {
		t.Fatalf("got %q, %v", stored, err)
	}
	if ok, err := h.Verify(t.Context(), stored, good); !ok || err != nil {
		t.Errorf("got %t, %v", ok, err)
	}
	h.fips = false
	argon, _ := h.Hash(t.Context(), good)
	if ok, err := h.Verify(t.Context(), stored, good); !ok || err != nil {
		t.Errorf("after the mode was left: got %t, %v", ok, err)
	}
	h.fips = true
	if ok, err := h.Verify(t.Context(), argon, good); ok || !errors.Is(err, ErrStored) || !strings.Contains(err.Error(), "argon2id is not approved in FIPS mode") {
		t.Errorf("got %t, %v", ok, err)
	}
}

func FuzzParse(f *testing.F) {
	h := cheap()
	stored, _ := h.Hash(f.Context(), good)
	h.fips = true
	other, _ := h.Hash(f.Context(), good)
	for _, s := range []string{stored, other, "", "$argon2id$v=19$m=19456,t=2,p=1$$", "$pbkdf2-sha256$i=1000$AAAA$AAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parse(text)
		if err != nil {
			if !errors.Is(err, ErrStored) {
				t.Fatal(err)
			}
			return
		}
		if s.String() != text {
			t.Errorf("%q is written as %q", text, s)
		}
		if s.memory > maxMemoryKiB || s.passes > maxPasses || s.lanes > maxLanes || s.iterations > maxIterations || len(s.salt) > maxBytes || len(s.sum) > maxBytes {
			t.Errorf("%q is let through", text)
		}
	})
}
