package repository

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/updater/release"
)

func initial(t *testing.T) (*Repository, string) {
	t.Helper()
	dir := t.TempDir()
	r, err := Init(filepath.Join(dir, "repo"), filepath.Join(dir, "keys"), Offline{Keys: 3, Threshold: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r, filepath.Join(dir, "keys")
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestInitReplacesNothing(t *testing.T) {
	r, keys := initial(t)
	if _, err := Init(r.dir, keys, Offline{3, 2}); err == nil || !strings.Contains(err.Error(), "one already") {
		t.Errorf("a repository: got %v", err)
	}
	before, _ := os.ReadFile(filepath.Join(keys, "root-1.pem"))
	if _, err := Init(filepath.Join(t.TempDir(), "other"), keys, Offline{3, 2}); err == nil {
		t.Error("keys were made over others")
	}
	if after, _ := os.ReadFile(filepath.Join(keys, "root-1.pem")); !bytes.Equal(before, after) {
		t.Error("a key was replaced")
	}
	if _, err := Init(t.TempDir(), t.TempDir(), Offline{2, 3}); err == nil {
		t.Error("three of two keys were allowed")
	}
}

// Two maintainers sign on two machines, a third machine has the online keys.
func TestACeremony(t *testing.T) {
	r, dir := initial(t)
	key := func(names ...string) (keys []Key) {
		for _, name := range names {
			k, err := ReadKey(filepath.Join(dir, name+".pem"))
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		return keys
	}
	if _, err := r.Add(write(t, []byte("one")), release.Release{Version: "1.0.0", OS: "linux", Arch: "amd64"}); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		keys    []Key
		missing []string
	}{
		{key("targets-1"), []string{"targets"}},
		{key("targets-1"), []string{"targets"}}, // the same one twice does not count twice
		{key("root-1", "snapshot", "timestamp"), []string{"targets"}},
		{key("targets-3"), nil},
	} {
		missing, err := r.Sign(c.keys)
		if err != nil || !slices.Equal(missing, c.missing) {
			t.Fatalf("%d: got %v, %v, want %v", i, missing, err, c.missing)
		}
	}
	if staged, err := r.Staged(); err != nil || len(staged) != 0 {
		t.Errorf("staged: %v, %v", staged, err)
	}
	if err := r.Refresh(key("snapshot", "timestamp")); err != nil {
		t.Fatal(err)
	}
	if err := r.Refresh(key("snapshot")); err == nil {
		t.Error("a timestamp was signed without its key")
	}
}

func TestAddMakesDeltasThatPay(t *testing.T) {
	r, _ := initial(t)
	random := rand.New(rand.NewPCG(3, 4))
	old := make([]byte, 1<<18)
	for i := range old {
		old[i] = byte(random.Uint32())
	}
	foreign := make([]byte, 1<<18)
	for i := range foreign {
		foreign[i] = byte(random.Uint32())
	}
	rel, err := r.Add(write(t, append([]byte("new"), old...)), release.Release{Version: "1.1.0", OS: "linux", Arch: "amd64"},
		write(t, old), write(t, foreign))
	if err != nil {
		t.Fatal(err)
	}
	if len(rel.Deltas) != 1 || rel.Deltas[0].From != hash(old) || rel.Deltas[0].Size > 10_000 {
		t.Errorf("deltas: got %+v, want a small one from the old program", rel.Deltas)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "targets", rel.DeltaFile(rel.Deltas[0]))); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeAdded(t *testing.T) {
	r, _ := initial(t)
	if _, err := r.Add(write(t, []byte("one")), release.Release{Version: "1.0.0", OS: "linux", Arch: "amd64"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data string
		rel  release.Release
		want string
	}{
		"the version again with other bytes": {"two", release.Release{Version: "1.0.0", OS: "linux", Arch: "amd64"}, "new version"},
		"no version":                         {"two", release.Release{Version: "v1", OS: "linux", Arch: "amd64"}, "semantic version"},
		"no platform":                        {"two", release.Release{Version: "1.0.1", OS: "../etc", Arch: "amd64"}, "platform"},
		"an empty program":                   {"", release.Release{Version: "1.0.1", OS: "linux", Arch: "amd64"}, "size"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := r.Add(write(t, []byte(c.data)), c.rel); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := r.KeysOf("bosses"); err == nil || !strings.Contains(err.Error(), `there is no role "bosses", only root, targets, snapshot, timestamp`) {
		t.Errorf("keys of nobody: got %v", err)
	}
	if err := r.Revoke("7.0.0", "linux", "amd64"); err == nil {
		t.Error("what is not there was revoked")
	}
}

func TestKeysThatAreNone(t *testing.T) {
	dir := t.TempDir()
	_, young, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.MarshalPKCS8PrivateKey(young)
	if err != nil {
		t.Fatal(err)
	}
	block := func(der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	for name, c := range map[string]struct{ text, says string }{
		"empty":        {"", "it is no PEM file"},
		"text":         {"hello", "it is no PEM file"},
		"pem":          {block([]byte("s3cret")), "it is no PKCS#8 private key"},
		"another kind": {block(other), "want an ECDSA key on P-256"},
	} {
		file := filepath.Join(dir, name+".pem")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadKey(file); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want an error that names the file and says %q", name, err, c.says)
		}
	}
	if _, err := ReadKeys(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no .pem file") {
		t.Errorf("a folder without keys: got %v", err)
	}
}
