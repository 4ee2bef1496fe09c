package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store"
)

// bucketOf is the store that gateways share.
func bucketOf(t *testing.T) jetstream.KeyValue {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	kv, err := s.KV(t.Context(), Bucket, store.KVOptions{Newest: true})
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// gateway is one with a folder of its own, and of which files.
func gateway(t *testing.T, kv jetstream.KeyValue, given map[string]string) Config {
	t.Helper()
	dir := t.TempDir()
	for name, text := range given {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return Config{
		KV: kv, Data: dir, Logger: slog.New(slog.DiscardHandler),
		New: func(context.Context) error { return nil },
		Make: func() error {
			for name, k := range files {
				path := filepath.Join(dir, name)
				if k.optional || exists(path) {
					continue
				}
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(name+" "+rand.Text()), 0o600)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func read(t *testing.T, c Config, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(c.Data, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func join(t *testing.T, c Config) {
	t.Helper()
	if err := Join(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// refused joins, and wants an error that names what is wrong and a hint that says what to do.
func refused(t *testing.T, c Config, says, hint string) {
	t.Helper()
	err := Join(t.Context(), c)
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.Contains(err.Error(), says) || !strings.Contains(e.Hint(), hint) {
		t.Fatalf("got %v, want %q and the hint %q", err, says, hint)
	}
}

func TestJoin(t *testing.T) {
	kv := bucketOf(t)
	first := gateway(t, kv, map[string]string{OnlineKeys + "/snapshot.pem": "snapshot", OnlineKeys + "/timestamp.pem": "timestamp"})
	join(t, first)
	join(t, first) // it starts again
	secret := map[string]string{SecretFile: read(t, first, SecretFile)}

	second := gateway(t, kv, secret)
	join(t, second)
	for name := range files {
		if read(t, second, name) != read(t, first, name) {
			t.Errorf("%s differs", name)
		}
		if info, err := os.Stat(filepath.Join(second.Data, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}

	refused(t, gateway(t, kv, nil), "there is no cluster secret", "copy cluster.secret")
	other := gateway(t, bucketOf(t), nil)
	join(t, other)
	refused(t, gateway(t, kv, map[string]string{SecretFile: read(t, other, SecretFile)}), "sealed with another cluster secret", "copy cluster.secret")
	refused(t, gateway(t, kv, map[string]string{SecretFile: "tccs1_short\n"}), "line 1 is no cluster secret", "copy cluster.secret")
	refused(t, gateway(t, kv, map[string]string{SecretFile: strings.Repeat(secret[SecretFile], 9)}), "it has more than 8 secrets", "copy cluster.secret")
	for name, hint := range map[string]string{CAFile: "another --data", TokenKeyFile: "--adopt apptoken.key", AdminTokenFile: "--adopt admin.token"} {
		g := gateway(t, kv, map[string]string{SecretFile: secret[SecretFile], name: read(t, other, name)})
		refused(t, g, name, hint)
		if got := read(t, g, name); got != read(t, other, name) {
			t.Errorf("%s was changed", name)
		}
		for more := range files {
			if more != name && exists(filepath.Join(g.Data, more)) {
				t.Errorf("refused for %s, %s was written", name, more)
			}
		}
	}
}

// The keys for releases may come later, by any gateway, and each gets them with its next start.
func TestOnlineKeysComeLater(t *testing.T) {
	kv := bucketOf(t)
	first := gateway(t, kv, nil)
	join(t, first)
	secret := map[string]string{SecretFile: read(t, first, SecretFile)}
	second := gateway(t, kv, secret)
	join(t, second)
	const key = OnlineKeys + "/timestamp.pem"
	if exists(filepath.Join(second.Data, key)) {
		t.Fatal("a key was made that nobody brought")
	}
	put := func(c Config, text string) {
		path := filepath.Join(c.Data, key)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	put(second, "one")
	join(t, second)
	join(t, first)
	if got := read(t, first, key); got != "one" {
		t.Fatalf("the first gateway has %q", got)
	}
	put(first, "two")
	refused(t, first, key, "--adopt "+key)
	first.Adopt = []string{key}
	join(t, first)
	join(t, second)
	if got := read(t, second, key); got != "two" {
		t.Errorf("after the adoption the second gateway has %q", got)
	}
}

// TestNATSAlone: what the store has tells nothing, and nobody without the secret can change it.
func TestNATSAlone(t *testing.T) {
	kv := bucketOf(t)
	c := gateway(t, kv, map[string]string{OnlineKeys + "/snapshot.pem": "snapshot key", OnlineKeys + "/timestamp.pem": "timestamp key"})
	join(t, c)
	e, err := kv.Get(t.Context(), Key)
	if err != nil {
		t.Fatal(err)
	}
	stored := e.Value()
	for name := range files {
		if bytes.Contains(stored, []byte(read(t, c, name))) {
			t.Errorf("%s is in the store, readable", name)
		}
	}
	if bytes.Contains(stored, []byte(strings.TrimSpace(read(t, c, SecretFile)))) {
		t.Error("the secret is in the store")
	}
	secrets, err := readSecrets(filepath.Join(c.Data, SecretFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*envelope){
		"cloud":      func(e *envelope) { e.Cloud = strings.Repeat("a", 16) },
		"generation": func(e *envelope) { e.Generation++ },
		"ca":         func(e *envelope) { e.CA = strings.Repeat("b", 64) },
		"salt":       func(e *envelope) { e.Salt[0] ^= 1 },
		"nonce":      func(e *envelope) { e.Sealed[0] ^= 1 },
		"content":    func(e *envelope) { e.Sealed[20] ^= 1 },
		"end":        func(e *envelope) { e.Sealed = e.Sealed[:len(e.Sealed)-1] },
		"nothing":    func(e *envelope) { e.Sealed = nil },
	} {
		e, err := decode(stored)
		if err != nil {
			t.Fatal(err)
		}
		change(e)
		if _, _, err := e.open(secrets); err == nil {
			t.Errorf("a changed %s is not noticed", name)
		}
	}
}

// TestHostileStore: what a gateway reads in the store is refused, whatever it is, with what to do about it.
func TestHostileStore(t *testing.T) {
	const notAsWritten, field = "it is not as this program writes it", "a field is not as this program writes it"
	for _, tt := range []struct {
		says, hint string
		change     func(e *envelope) []byte // what is stored in its place
	}{
		{"it has more than 65536 bytes", "not older than", func(*envelope) []byte { return bytes.Repeat([]byte(" "), maxStored+1) }},
		{notAsWritten, "not older than", func(*envelope) []byte { return []byte("{") }},
		{notAsWritten, "not older than", func(*envelope) []byte { return []byte(`{"version":1,"more":2}`) }},
		{"something follows it", "not older than", func(*envelope) []byte { return []byte("{}{}") }},
		{"it has version 2, and this program knows version 1", "start this gateway with a program that is not older than the others'", func(e *envelope) []byte { e.Version = 2; return nil }},
		{field, "not older than", func(e *envelope) []byte { e.Cloud = "<b>"; return nil }},
		{field, "not older than", func(e *envelope) []byte { e.Generation = 0; return nil }},
		{"it is damaged, or was written by somebody without the cluster secret", "to make a cloud of its own, name another --nats", func(e *envelope) []byte { e.Sealed[20] ^= 1; return nil }},
		{"names another CA than is in it", "restore the store from a backup", func(e *envelope) []byte {
			secrets := []secret{{1}}
			c := &content{Files: map[string][]byte{}}
			for name, k := range files {
				if !k.optional {
					c.Files[name] = []byte(name)
				}
			}
			e.CA = strings.Repeat("a", 64)
			if err := e.seal(c, secrets[0]); err != nil {
				t.Fatal(err)
			}
			return nil
		}},
	} {
		kv := bucketOf(t)
		c := gateway(t, kv, map[string]string{SecretFile: string(secret{1}.line())})
		join(t, c)
		stored, err := kv.Get(t.Context(), Key)
		if err != nil {
			t.Fatal(err)
		}
		e, err := decode(stored.Value())
		if err != nil {
			t.Fatal(err)
		}
		bad := tt.change(e)
		if bad == nil {
			bad, _ = json.Marshal(e)
		}
		if _, err := kv.Put(t.Context(), Key, bad); err != nil {
			t.Fatal(err)
		}
		refused(t, c, tt.says, tt.hint)
	}
}

func TestAdopt(t *testing.T) {
	kv := bucketOf(t)
	first := gateway(t, kv, nil)
	join(t, first)
	given := map[string]string{SecretFile: read(t, first, SecretFile)}
	second, third := gateway(t, kv, given), gateway(t, kv, given)
	join(t, second)
	join(t, third)
	path := filepath.Join(second.Data, AdminTokenFile)
	if err := os.WriteFile(path, []byte("a new token of the operators\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, second, AdminTokenFile, "--adopt")
	second.Adopt = []string{AdminTokenFile, CAFile} // the CA is never adopted
	join(t, second)
	second.Adopt = nil
	join(t, second)
	for _, c := range []Config{first, third, gateway(t, kv, given)} { // older ones of this cloud are replaced
		join(t, c)
		if got := read(t, c, AdminTokenFile); got != "a new token of the operators\n" {
			t.Errorf("got %q", got)
		}
	}
}

func TestNewSecret(t *testing.T) {
	kv := bucketOf(t)
	first := gateway(t, kv, nil)
	join(t, first)
	old := read(t, first, SecretFile)
	var s secret
	_, _ = rand.Read(s[:])
	both := gateway(t, kv, map[string]string{SecretFile: "# since today\n" + string(s.line()) + "\n" + old})
	join(t, both)
	refused(t, gateway(t, kv, map[string]string{SecretFile: old}), "sealed with another", "copy")
	join(t, gateway(t, kv, map[string]string{SecretFile: string(s.line())}))
	if read(t, both, CAFile) != read(t, first, CAFile) {
		t.Error("the CA has changed")
	}
}

// TestAtOnce: of gateways that start at the same time one makes the cloud. Those that are given the
// same secret's file are of it, others are refused and keep nothing of what they made.
func TestAtOnce(t *testing.T) {
	for name, shared := range map[string]bool{"one secret": true, "secrets of their own": false} {
		t.Run(name, func(t *testing.T) {
			kv := bucketOf(t)
			path := filepath.Join(t.TempDir(), "not", "there", "yet")
			all := make([]Config, 5)
			errs := make([]error, len(all))
			var wg sync.WaitGroup
			for i := range all {
				all[i] = gateway(t, kv, nil)
				if shared {
					all[i].SecretFile = path
				}
				wg.Go(func() { errs[i] = Join(t.Context(), all[i]) })
			}
			wg.Wait()
			cas := map[string]bool{}
			joined := 0
			for i, c := range all {
				if errs[i] == nil {
					joined++
					cas[read(t, c, CAFile)] = true
					continue
				}
				if e, ok := errors.AsType[*Error](errs[i]); !ok || e.Hint() == "" {
					t.Errorf("got %v", errs[i])
				}
				if exists(filepath.Join(c.Data, CAFile)) {
					t.Error("a CA of no cloud is left")
				}
			}
			if want := map[bool]int{true: len(all), false: 1}[shared]; joined != want || len(cas) != 1 {
				t.Errorf("%d joined, %d clouds: %v", joined, len(cas), errs)
			}
		})
	}
}

// TestRefusedNew: where nothing new may be made, nothing is.
func TestRefusedNew(t *testing.T) {
	c := gateway(t, bucketOf(t), nil)
	want := errors.New("there are servers")
	c.New = func(context.Context) error { return want }
	if err := Join(t.Context(), c); !errors.Is(err, want) || exists(filepath.Join(c.Data, CAFile)) || exists(filepath.Join(c.Data, SecretFile)) {
		t.Errorf("got %v", err)
	}
}

func TestOthersReadTheSecret(t *testing.T) {
	kv := bucketOf(t)
	c := gateway(t, kv, nil)
	join(t, c)
	if err := os.Chmod(filepath.Join(c.Data, SecretFile), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, c, "others may read", "")
}

func FuzzDecode(f *testing.F) {
	e := &envelope{Version: 1, Cloud: "00000000", CA: "00000000", Generation: 1}
	if err := e.seal(&content{Files: map[string][]byte{CAFile: {1}, TokenKeyFile: {2}, AdminTokenFile: {3}}}, secret{}); err != nil {
		f.Fatal(err)
	}
	data, _ := json.Marshal(e)
	f.Add(data)
	f.Add([]byte(`{"version":1}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decode(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := decode(again); err != nil || twice.Cloud != e.Cloud || !bytes.Equal(twice.Sealed, e.Sealed) {
			t.Errorf("%q is read as %q: %v", data, again, err)
		}
		_, _, _ = e.open([]secret{{}})
	})
}

func FuzzSecrets(f *testing.F) {
	f.Add(secret{1, 2}.line())
	f.Add([]byte("# x\n\n  tccs1_\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parseSecrets(data)
		if err != nil {
			return
		}
		var again []byte
		for _, s := range all {
			again = append(again, s.line()...)
		}
		twice, err := parseSecrets(again)
		if err != nil || len(twice) != len(all) || twice[0] != all[0] {
			t.Errorf("%q is read as %q", data, again)
		}
	})
}
