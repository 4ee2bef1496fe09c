package slot_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot"
	"tcenvsvr/updater/slot/state"
)

const product = "tcenvsvr/updater/slot/testdata/program"

var (
	built                    string // folder of the programs that the tests need
	content                  []byte // of testdata/program
	publicKey, privateKey, _ = ed25519.GenerateKey(nil)
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "slot")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	built = dir
	// Hosts in memory where there is some: what a disk has to be told is checked by the order of
	// system calls (TestNothingIsNamedBeforeItIsDurable).
	if memory, err := os.MkdirTemp("/dev/shm", "slot"); err == nil {
		defer os.RemoveAll(memory)
		os.Setenv("TMPDIR", memory)
	}
	for _, name := range []string{"helper", "program"} {
		build(name, filepath.Join(dir, name))
	}
	if content, err = os.ReadFile(filepath.Join(dir, "program")); err != nil {
		panic(err)
	}
	return m.Run()
}

func build(name, output string, env ...string) {
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", output, "./testdata/"+name)
	c.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := c.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("building %s: %v\n%s", name, err, out))
	}
}

// version returns a program of that version: the same one, with a tail.
func version(v string) []byte { return append(append([]byte{}, content...), "version "+v...) }

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// scene is a host: a package's program, slots, an inbox.
type scene struct {
	t       testing.TB
	dir     string
	version string // of the package
	agent   int
	revoked []string
	log     *bytes.Buffer
	logger  *slog.Logger
}

func newScene(t testing.TB) *scene { return sceneIn(t, t.TempDir()) }

func sceneIn(t testing.TB, dir string) *scene {
	t.Helper()
	s := &scene{t: t, dir: dir, agent: os.Geteuid(), log: &bytes.Buffer{}}
	s.logger = slog.New(slog.NewTextHandler(s.log, nil))
	for _, d := range []string{"base", "home/a/bin", "home/b/bin", "home/.tcenvsvr/inbox/metadata", "lib", "run"} {
		s.must(os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	s.installPackage("1.0.0")
	return s
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) installPackage(v string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "base", "tcenvsvr")
	_ = os.Remove(path)
	s.must(os.WriteFile(path, version(v), 0o755))
	s.must(os.WriteFile(path+"-shim", []byte("shim of "+v), 0o755))
	s.version = v
}

func (s *scene) config() slot.Config {
	home := filepath.Join(s.dir, "home")
	return slot.Config{
		Paths: handover.Paths{
			Baseline: filepath.Join(s.dir, "base", "tcenvsvr"), Slots: home, State: filepath.Join(s.dir, "lib"), Home: home,
			Inbox: filepath.Join(home, ".tcenvsvr", "inbox"), Link: filepath.Join(s.dir, "run", "tcenvsvr"), Shim: filepath.Join(s.dir, "run", "tcenvsvr-shim"),
			Status: filepath.Join(s.dir, "run", "status.json"),
		},
		Version: s.version, Product: product, Owner: os.Geteuid(), Agent: s.agent, Verifier: signed{}, Log: s.logger,
	}
}

func (s *scene) slots() *slot.Slots { return slot.New(s.config()) }

// signed is the verifier of testdata/helper.
type signed struct{}

func (signed) Verify(_ context.Context, from slot.Metadata) (list slot.Signed, err error) {
	data, err := from.ReadFile("releases", 64<<10)
	if err != nil {
		return list, err
	}
	if len(data) < ed25519.SignatureSize || !ed25519.Verify(publicKey, data[ed25519.SignatureSize:], data[:ed25519.SignatureSize]) {
		return list, errors.New("the signature is wrong")
	}
	return list, json.Unmarshal(data[ed25519.SignatureSize:], &list)
}

func (s *scene) inbox(name string) string {
	return filepath.Join(s.dir, "home", ".tcenvsvr", "inbox", name)
}

func describe(v string, data []byte) release.Release {
	return release.Release{Version: v, OS: runtime.GOOS, Arch: runtime.GOARCH, SHA256: sum(data), Size: int64(len(data))}
}

func (s *scene) put(name string, data []byte) {
	s.t.Helper()
	_ = os.Remove(s.inbox(name))
	s.must(os.WriteFile(s.inbox(name), data, 0o600))
	s.must(os.Lchown(s.inbox(name), s.agent, -1))
}

// publish signs releases, puts their metadata into the inbox, and asks.
func (s *scene) publish(releases ...release.Release) {
	s.t.Helper()
	list, err := json.Marshal(slot.Signed{Releases: releases, Revoked: s.revoked})
	s.must(err)
	s.put("metadata/releases", append(ed25519.Sign(privateKey, list), list...))
	s.put(handover.RequestApply, nil)
}

// offer puts a release with its program into the inbox.
func (s *scene) offer(v string) {
	s.t.Helper()
	r := describe(v, version(v))
	s.put("artifact-"+r.SHA256, version(v))
	s.publish(r)
}

func (s *scene) apply() error {
	s.t.Helper()
	_, err := s.slots().Apply(s.t.Context())
	return err
}

func (s *scene) update(v string) {
	s.t.Helper()
	s.offer(v)
	s.must(s.apply())
	s.wantChoice(v, true)
	s.bless(slot.Blessed)
}

func (s *scene) bless(want slot.Verdict) {
	s.t.Helper()
	s.put(handover.RequestHealthy, nil)
	if got, err := s.slots().Bless(); err != nil || got != want {
		s.t.Fatalf("bless: got %q and %v, want %q", got, err, want)
	}
}

// wantChoice selects and checks that the link leads to that version's program.
func (s *scene) wantChoice(v string, trial bool) {
	s.t.Helper()
	c, err := s.slots().Select()
	s.must(err)
	if c.Version != v || c.Trial != trial {
		s.t.Errorf("selected %s %s, trial %t; want %s, trial %t", c.Slot, c.Version, c.Trial, v, trial)
	}
	s.wantLink(v)
}

func (s *scene) wantLink(v string) {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "run", "tcenvsvr"))
	s.must(err)
	if sum(data) != sum(version(v)) {
		s.t.Errorf("the link leads to another program than that of %s", v)
	}
	program, shim := s.links()
	if _, err := os.Stat(shim); err != nil || shim != s.shimOf(program) {
		s.t.Errorf("the shim of %q is %q (%v)", program, shim, err)
	}
}

// links are what the links lead to, "" where there is none.
func (s *scene) links() (program, shim string) {
	s.t.Helper()
	for name, to := range map[string]*string{"tcenvsvr": &program, "tcenvsvr-shim": &shim} {
		path, err := os.Readlink(filepath.Join(s.dir, "run", name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		s.must(err)
		*to = path
	}
	return program, shim
}

// shimOf is the package's own small program or, in a slot, the release itself.
func (s *scene) shimOf(program string) string {
	if program == filepath.Join(s.dir, "base", "tcenvsvr") {
		return program + "-shim"
	}
	return program
}

// wantCode wants a refusal with this code and this text in its message.
func (s *scene) wantCode(err error, code, text string) {
	s.t.Helper()
	r, ok := errors.AsType[*slot.Refusal](err)
	if !ok || r.Code != code || !strings.Contains(r.Error(), text) {
		s.t.Errorf("got %v, want a refusal %q that says %q", err, code, text)
	}
	st, err := handover.ReadStatus(filepath.Join(s.dir, "run", "status.json"))
	if err != nil || st.Last == nil || st.Last.Phase != handover.Refused || st.Last.Code != code {
		s.t.Errorf("the status says %+v (%v), want refused with code %q", st.Last, err, code)
	}
}

func (s *scene) ended(result, code, status string, want handover.Class) {
	s.t.Helper()
	if got, err := s.slots().Ended(state.Exit{Result: result, Code: code, Status: status}); err != nil || got != want {
		s.t.Fatalf("ended: got %q and %v, want %q", got, err, want)
	}
}

func (s *scene) status() handover.Status {
	s.t.Helper()
	st, err := s.slots().State()
	s.must(err)
	return st
}
