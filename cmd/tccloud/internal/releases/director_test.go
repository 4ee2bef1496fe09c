package releases

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// fleet reports what a test says.
type fleet struct {
	mu      sync.Mutex
	reports []Report
	nudged  []wire.ServerXID
}

func (f *fleet) Reports(context.Context) ([]Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.reports), nil
}

func (f *fleet) Nudge(_ context.Context, xid wire.ServerXID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nudged = append(f.nudged, xid)
	return nil
}

type servers map[string]wire.ServerXID

func (s servers) Deliver(token string) (wire.ServerXID, error) {
	if xid, ok := s[token]; ok {
		return xid, nil
	}
	return "", &registry.Denied{Code: wire.CodeBadToken, Message: "no server's"}
}

func (servers) EnvironmentOf(wire.ServerXID) (string, error) { return "lab", nil }

type scene struct {
	t *testing.T
	*Director
	st   *store.Store
	repo *repository.Repository
	keys []repository.Key
	dir  string // of the repository
	pems string // of its keys
}

func newScene(t *testing.T) *scene {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	kv, err := st.KV(t.Context(), Bucket, store.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, st: st, dir: filepath.Join(t.TempDir(), "repo")}
	s.Director = New(Config{KV: kv, Files: s.gateway(), Servers: servers{"good": "server-1"}})
	s.pems = filepath.Join(t.TempDir(), "keys")
	if s.repo, err = repository.Init(s.dir, s.pems, repository.Offline{Keys: 3, Threshold: 2}); err != nil {
		t.Fatal(err)
	}
	if s.keys, err = repository.ReadKeys(s.pems); err != nil {
		t.Fatal(err)
	}
	return s
}

// gateway is what another gateway over the same store serves. Its online keys are in a folder that is
// still to be made.
func (s *scene) gateway() *Files {
	s.t.Helper()
	kv, err := s.st.KV(s.t.Context(), Bucket, store.KVOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	objects, err := s.st.Objects(s.t.Context(), FilesBucket)
	if err != nil {
		s.t.Fatal(err)
	}
	blobs, err := blob.Open(s.t.TempDir(), objects)
	if err != nil {
		s.t.Fatal(err)
	}
	return OpenFiles(kv, blobs, filepath.Join(s.t.TempDir(), "keys"))
}

// give puts the online keys where a gateway looks for them.
func (s *scene) give(f *Files) {
	s.t.Helper()
	if err := os.Mkdir(f.keys, 0o700); err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{"snapshot.pem", "timestamp.pem"} {
		data, err := os.ReadFile(filepath.Join(s.pems, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(f.keys, name), data, 0o600)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// agent reads the metadata of gateways, one after the other, and remembers what it has seen.
type agent struct {
	t    *testing.T
	root []byte
	dir  string
}

func (s *scene) agent() *agent {
	s.t.Helper()
	root, err := os.ReadFile(filepath.Join(s.dir, "metadata", "1.root.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	return &agent{s.t, root, s.t.TempDir()}
}

func (a *agent) reads(f *Files) []string {
	a.t.Helper()
	p, _, err := f.load(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	t, err := metadata.Client{Root: a.root, Dir: a.dir, Source: p}.Refresh(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	var versions []string
	for _, r := range t.Releases {
		versions = append(versions, r.Version)
	}
	return versions
}

// bundle publishes a version and returns a bundle of all.
func (s *scene) bundle(version string) []byte {
	s.t.Helper()
	program := filepath.Join(s.t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("program "+version), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.repo.Add(program, release.Release{Version: version, OS: "linux", Arch: "amd64"}); err != nil {
		s.t.Fatal(err)
	}
	if missing, err := s.repo.Sign(s.keys); err != nil || missing != nil {
		s.t.Fatal(missing, err)
	}
	var b bytes.Buffer
	if err := s.repo.Bundle(s.t.Context(), &b); err != nil {
		s.t.Fatal(err)
	}
	return b.Bytes()
}

func (s *scene) add(bundle []byte) error {
	_, err := s.Files.Import(s.t.Context(), bytes.NewReader(bundle), int64(len(bundle)))
	return err
}

func TestAnAgentFindsWhatWasImported(t *testing.T) {
	s := newScene(t)
	if _, err := s.Roll(t.Context(), DefaultChannel, Rollout{Version: "1.0.0", Percent: 100}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a release that is not there: got %v", err)
	}
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Roll(t.Context(), DefaultChannel, Rollout{Version: "1.0.0", Percent: 100}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(s.AgentHandler())
	defer server.Close()
	get := func(token, path string, header ...string) (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL+Prefix+path, nil)
		req.Header.Set("Authorization", "Bearer "+token)
		if len(header) == 2 {
			req.Header.Set(header[0], header[1])
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	if code, body := get("good", "wanted"); code != 200 || !strings.Contains(body, `"version":"1.0.0"`) {
		t.Errorf("wanted: got %d %s", code, body)
	}
	known, err := s.Files.Releases(t.Context())
	if err != nil || len(known.Releases) != 1 {
		t.Fatalf("got %+v, %v", known, err)
	}
	file := "targets/" + known.Releases[0].File()
	if code, body := get("good", file); code != 200 || body != "program 1.0.0" {
		t.Errorf("program: got %d %q", code, body)
	}
	if code, body := get("good", file, "Range", "bytes=8-"); code != 206 || body != "1.0.0" {
		t.Errorf("rest of the program: got %d %q", code, body)
	}
	for path, want := range map[string]int{"metadata/timestamp.json": 200, "metadata/9.root.json": 404, "metadata/..%2Fkeys": 404, "targets/../../x": 404, "targets/": 404} {
		if code, _ := get("good", path); code != want {
			t.Errorf("%s: got %d, want %d", path, code, want)
		}
	}
	for _, path := range []string{"wanted", "metadata/timestamp.json", file} {
		if code, _ := get("bad", path); code != http.StatusUnauthorized {
			t.Errorf("%s without a token: got %d", path, code)
		}
	}
}

func TestBundlesThatAreRefused(t *testing.T) {
	s := newScene(t)
	s.bundle("1.0.0")
	good := s.bundle("1.1.0")
	if err := s.add(good); err != nil {
		t.Fatal(err)
	}
	foreign := newScene(t).bundle("9.0.0")
	for name, bundle := range map[string][]byte{"no zip": []byte("hello"), "torn": good[:len(good)/2], "another repository's": foreign, "nothing": nil} {
		if err := s.add(bundle); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	known, err := s.Files.Releases(t.Context())
	if err != nil || len(known.Releases) != 2 {
		t.Errorf("afterwards: got %+v, %v", known, err)
	}
}

func TestARolloutThatFailsHaltsByItself(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Roll(t.Context(), DefaultChannel, Rollout{Version: "1.0.0", Percent: 100, MaxFailures: 1}); err != nil {
		t.Fatal(err)
	}
	failed := func(xid wire.ServerXID) Report {
		return Report{Server: Server{xid, "lab"}, Version: "0.9.0", Update: wire.Update{Failed: "1.0.0", Reason: "crash"}}
	}
	f := &fleet{reports: []Report{failed("a"), {Server: Server{"new", "lab"}, Version: "0.9.0"}, {Server: Server{"done", "lab"}, Version: "1.0.0"}}}
	nudged := map[wire.ServerXID]string{}
	for range 2 {
		if err := s.look(t.Context(), f, nudged); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(f.nudged, []wire.ServerXID{"new"}) {
		t.Errorf("told: got %v, want the one that lacks it, once", f.nudged)
	}
	if p, _ := s.Plan(t.Context()); p.Channels[DefaultChannel].Halted != "" {
		t.Errorf("one failure of one that is allowed halted it: %+v", p)
	}
	f.reports = append(f.reports, failed("b"))
	if err := s.look(t.Context(), f, nudged); err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(t.Context())
	if err != nil || !strings.Contains(p.Channels[DefaultChannel].Halted, "2 servers") {
		t.Errorf("got %+v, %v, want a halt", p, err)
	}
	if got := p.Wanted(Server{"late", "lab"}, time.Now()); got.Version != "" {
		t.Errorf("after the halt somebody got %+v", got)
	}
}

// paused is a fleet in whose midst the gateway stands still, while something happens elsewhere.
type paused struct {
	fleet
	meanwhile func()
}

func (p *paused) Reports(ctx context.Context) ([]Report, error) {
	p.meanwhile()
	return p.fleet.Reports(ctx)
}

// A gateway that stood still while the rollout became another one does not halt that one by what it
// judged before.
func TestARolloutIsNotHaltedForAnother(t *testing.T) {
	s := newScene(t)
	s.bundle("1.0.0")
	if err := s.add(s.bundle("1.1.0")); err != nil {
		t.Fatal(err)
	}
	roll := func(version string, failures int) {
		t.Helper()
		if _, err := s.Roll(t.Context(), DefaultChannel, Rollout{Version: version, Percent: 100, MaxFailures: failures}); err != nil {
			t.Fatal(err)
		}
	}
	roll("1.0.0", 0)
	f := &paused{fleet{reports: []Report{{Server: Server{"a", "lab"}, Version: "0.9.0", Update: wire.Update{Failed: "1.0.0"}}}}, func() { roll("1.1.0", 0) }}
	if err := s.look(t.Context(), f, map[wire.ServerXID]string{}); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Plan(t.Context()); err != nil || p.Channels[DefaultChannel].Halted != "" || p.Channels[DefaultChannel].Version != "1.1.0" {
		t.Fatalf("got %+v, %v", p, err)
	}
	f.meanwhile = func() {}
	roll("1.0.0", 0)
	other := New(s.Config) // goes on where the first one stopped
	if err := other.look(t.Context(), f, map[wire.ServerXID]string{}); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Plan(t.Context()); err != nil || p.Channels[DefaultChannel].Halted == "" {
		t.Errorf("got %+v, %v, want a halt", p, err)
	}
}

// Of two gateways with the keys the one with the lease signs; the other one only in its place.
func TestTheLeaseSigns(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	trusted := true
	here := New(Config{KV: s.KV, Files: s.Files, Servers: s.Servers, Gateway: "here", Trusted: func() bool { return trusted }})
	s.give(s.Files)
	signed := func(at time.Time) (*Director, func(want bool, what string)) {
		p, revision, err := s.Files.load(t.Context())
		if err == nil {
			err = s.Files.publish(t.Context(), p, at, revision)
		}
		if err != nil {
			t.Fatal(err)
		}
		return here, func(want bool, what string) {
			t.Helper()
			e, _, err := s.Files.state(t.Context())
			if err != nil || e.Signed.After(at) != want {
				t.Errorf("%s: signed %v, %v; want %t", what, e.Signed, err, want)
			}
		}
	}
	for _, c := range []struct {
		what             string
		age              time.Duration
		trusted, without bool // lease
		want             bool
	}{
		{"the other has the lease", signEvery + time.Minute, true, true, false},
		{"the other has not signed", standInAfter + time.Minute, true, true, true},
		{"by a clock that may be wrong", standInAfter + time.Minute, false, true, false},
		{"with the lease, too early", time.Hour, true, false, false},
		{"with the lease", signEvery + time.Minute, true, false, true},
	} {
		trusted = c.trusted
		d, check := signed(time.Now().Add(-c.age))
		if !c.without {
			d = s.Director // alone
			d.Trusted = here.Trusted
		}
		if err := d.sign(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		check(c.want, c.what)
	}
}

// A key that cannot be read is said, and not taken for none.
func TestAKeyThatIsNone(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	s.give(s.Files)
	if err := os.WriteFile(filepath.Join(s.Files.keys, "timestamp.pem"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Files.Sign(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "timestamp.pem") {
		t.Errorf("got %v", err)
	}
}

// rezip changes the files of a ZIP file.
func rezip(t *testing.T, data []byte, change func(map[string]string)) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	change(files)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
