package signed

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

var (
	made  = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	terms = Terms{KeyID: KeyID{1, 2, 3, 4, 5, 6, 7, 8}, Environment: "plant-7", MadeAt: made, NotAfter: made.Add(time.Hour)}
)

func operatorKey() ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	return ed25519.NewKeyFromSeed(seed)
}

func operator() Key {
	return Key{Name: "ada", ID: terms.KeyID, Public: operatorKey().Public().(ed25519.PublicKey)}
}

// example has a value in every field.
func example() *wire.Order {
	return &wire.Order{
		Ref:     wire.Ref{Order: "0193-a_1", Attempt: 2},
		Runtime: wire.RuntimePlaybook,
		App:     wire.AppRef{Name: "TCPB_-_Größe", Version: "1.0.3", Size: 4711, SHA256: wire.SHA256(strings.Repeat("0a", 32))},
		Params:  map[string]string{"url": "https://example.com/?a=<b>", "größe": "3", "": "\x00", "password": "tcsealed:v1:AAAA"},
		Token:   "token", TokenTTLMS: 1, StartWithinMS: 2,
		KVContext: "kv-1", OutVariables: []string{"#App:1:b!String", "#App:1:a!String"},
		Defaults:  map[string]string{"tc_user_id": "1"},
		TimeoutMS: 60_000, Priority: 5, Retryable: true,
		Limits: wire.Limits{MemoryMB: 512, Tasks: 64, CPUWeight: 50},
	}
}

func mustSign(t testing.TB, o *wire.Order) *Signature {
	t.Helper()
	s, err := Sign(o, terms, operatorKey())
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestReadmeVector(t *testing.T) {
	o := example()
	s := mustSign(t, o)
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	order, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "order:\n\n```json\n%s\n```\n\nsigned bytes:\n\n```\n", order)
	for line := hex.EncodeToString(canonical(o, s)); line != ""; {
		n := min(len(line), 96)
		fmt.Fprintln(&b, line[:n])
		line = line[n:]
	}
	fmt.Fprintf(&b, "```\n\npublic key:\n\n```\n%x\n```\n\nsignature:\n\n```\n%s\n```\n", operator().Public, text)

	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(readme), "<!-- vector -->\n")
	got, tail, ok := strings.Cut(rest, "<!-- end -->")
	if !ok {
		t.Fatal("README.md has no place for the vector")
	}
	if got == b.String() {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("README.md has another vector; the format changed, which needs a new version\ngot  %s\nwant %s", got, b.String())
	}
	if err := os.WriteFile("README.md", []byte(head+"<!-- vector -->\n"+b.String()+"<!-- end -->"+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherLanguageAgrees(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	minimal := example()
	minimal.Params, minimal.Defaults, minimal.OutVariables, minimal.KVContext, minimal.Retryable = nil, nil, nil, "", false
	minimal.Limits = wire.Limits{}
	for name, o := range map[string]*wire.Order{"full": example(), "minimal": minimal} {
		s := mustSign(t, o)
		in, err := json.Marshal(map[string]any{"order": o, "signature": s, "public": hex.EncodeToString(operator().Public)})
		if err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), python, "testdata/reference.py")
		c.Stdin = bytes.NewReader(in)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		want := hex.EncodeToString(canonical(o, s))
		got, verified, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		if got != want {
			t.Errorf("%s: python signs\n%s, want\n%s", name, got, want)
		}
		t.Logf("%s: %s", name, verified)
	}
}
