package slot_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
	"tcenvsvr/updater/slot"
)

// host has a repository, its keys, an inbox, and slots.
type host struct {
	*testing.T
	dir     string
	program []byte
	repo    *repository.Repository
	keys    []repository.Key
	*slot.Slots
}

func (h *host) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *host) path(elem ...string) string { return filepath.Join(append([]string{h.dir}, elem...)...) }

func newHost(t *testing.T) *host {
	h := &host{T: t, dir: t.TempDir()}
	h.must(os.Chmod(h.dir, 0o755))
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", h.path("program"), "./testdata/program")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var err error
	h.program, err = os.ReadFile(h.path("program"))
	h.must(err)
	h.repo, err = repository.Init(h.path("repo"), h.path("keys"), repository.Offline{Keys: 1, Threshold: 1})
	h.must(err)
	h.keys, err = repository.ReadKeys(h.path("keys"))
	h.must(err)
	h.sign()
	root, err := h.repo.Root()
	h.must(err)
	h.must(os.WriteFile(h.path("root.json"), root, 0o644))

	p := handover.UnpackagedPaths(h.path("home"), h.path("program"))
	h.must(os.MkdirAll(filepath.Dir(p.Status), 0o755))
	h.must(os.MkdirAll(filepath.Join(p.Inbox, "metadata"), 0o700))
	h.Slots = slot.New(slot.Config{
		Paths: p, Version: "1.0.0", Product: "tcenvsvr/updater/slot/testdata/program", Owner: os.Geteuid(), Agent: os.Geteuid(),
		Verifier: slot.MetadataVerifier{Root: h.path("root.json"), Dir: filepath.Join(p.State, "tuf")},
	})
	return h
}

func (h *host) sign() {
	h.Helper()
	missing, err := h.repo.Sign(h.keys)
	h.must(err)
	if len(missing) > 0 {
		h.Fatalf("not signed: %q", missing)
	}
	h.must(h.repo.Refresh(h.keys))
}

// add publishes a version and returns its program.
func (h *host) add(v string) (release.Release, []byte) {
	h.Helper()
	data := append(append([]byte{}, h.program...), v...)
	h.must(os.WriteFile(h.path("new"), data, 0o755))
	r, err := h.repo.Add(h.path("new"), release.Release{Version: v, OS: runtime.GOOS, Arch: runtime.GOARCH})
	h.must(err)
	h.sign()
	return r, data
}

// download does what the agent does: it fills the inbox and asks.
func (h *host) download(r release.Release, data []byte) {
	h.Helper()
	in := h.path("home", ".tcenvsvr", "inbox")
	h.must(os.RemoveAll(filepath.Join(in, "metadata")))
	h.must(os.CopyFS(filepath.Join(in, "metadata"), os.DirFS(h.path("repo", "metadata"))))
	h.must(os.WriteFile(filepath.Join(in, "artifact-"+r.SHA256), data, 0o600))
	h.must(os.WriteFile(filepath.Join(in, "request-apply"), nil, 0o600))
}

func (h *host) apply(code string) {
	h.Helper()
	asked, err := h.Apply(h.Context())
	got := ""
	if r, ok := errors.AsType[*slot.Refusal](err); ok {
		got = r.Code
	}
	if !asked || got != code {
		h.Errorf("got %t and %v, want %q", asked, err, code)
	}
}

func TestASignedReleaseIsApplied(t *testing.T) {
	h := newHost(t)
	h.download(h.add("1.1.0"))
	h.apply("")
	if c, err := h.Select(); err != nil || c.Version != "1.1.0" || !c.Trial {
		t.Errorf("got %+v and %v, want 1.1.0 on trial", c, err)
	}
}

func TestRootDoesNotBelieveWhatTheAgentVerified(t *testing.T) {
	h := newHost(t)
	r, data := h.add("1.1.0")
	old := h.path("old")
	h.must(os.CopyFS(old, os.DirFS(h.path("repo", "metadata"))))
	newer, newerData := h.add("1.2.0")
	h.download(newer, newerData)
	h.apply("")

	// An older repository, which was signed as well.
	in := h.path("home", ".tcenvsvr", "inbox")
	h.download(r, data)
	h.must(os.RemoveAll(filepath.Join(in, "metadata")))
	h.must(os.CopyFS(filepath.Join(in, "metadata"), os.DirFS(old)))
	asked, err := h.Apply(h.Context())
	if !asked || !errors.Is(err, metadata.ErrRollback) && !strings.Contains(err.Error(), "version") {
		t.Errorf("got %t and %v, want %v", asked, err, metadata.ErrRollback)
	}

	// Another publisher's.
	foreign := newHost(t)
	fr, fdata := foreign.add("9.0.0")
	h.download(fr, fdata)
	h.must(os.RemoveAll(filepath.Join(in, "metadata")))
	h.must(os.CopyFS(filepath.Join(in, "metadata"), os.DirFS(foreign.path("repo", "metadata"))))
	h.apply("metadata")

	// A program that nobody signed.
	h.download(r, h.program)
	h.must(os.WriteFile(filepath.Join(in, "artifact-"+newer.SHA256), h.program, 0o600))
	h.apply("artifact")
	if c, err := h.Select(); err != nil || c.Version != "1.2.0" {
		t.Errorf("got %+v and %v, want 1.2.0: what was applied stays", c, err)
	}
}
