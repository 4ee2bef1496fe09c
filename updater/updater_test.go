package updater

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/updater/download"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
	"tcenvsvr/updater/slot"
)

// scene is an agent's side with a real repository behind a real server, and a root's side that a
// test plays by its status file.
type scene struct {
	t       *testing.T
	dir     string
	repo    *repository.Repository
	keys    []repository.Key
	config  Config
	want    Wanted
	wantErr error
	policy  Policy
	root    handover.Status

	mu       sync.Mutex
	restarts []string
	acts     []string
	served   []string
}

func (s *scene) Wanted(context.Context) (Wanted, error) { return s.want, s.wantErr }

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), policy: Policy{Mode: Self}}
	keys := filepath.Join(s.dir, "keys")
	var err error
	if s.repo, err = repository.Init(filepath.Join(s.dir, "repo"), keys, repository.Offline{Keys: 3, Threshold: 2}); err != nil {
		t.Fatal(err)
	}
	if s.keys, err = repository.ReadKeys(keys); err != nil {
		t.Fatal(err)
	}
	root, err := s.repo.Root()
	if err != nil {
		t.Fatal(err)
	}
	files := http.FileServer(http.Dir(filepath.Join(s.dir, "repo")))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.served = append(s.served, r.URL.Path)
		s.mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	box := filepath.Join(s.dir, "inbox")
	if err := os.MkdirAll(box, 0o700); err != nil {
		t.Fatal(err)
	}
	s.config = Config{
		Version: "1.0.0", OS: "linux", Arch: "amd64", Inbox: box, Status: filepath.Join(s.dir, "status.json"),
		Program:  filepath.Join(s.dir, "program-1.0.0"),
		Metadata: metadata.Client{Root: root, Source: metadata.HTTP{Client: server.Client(), URL: server.URL + "/metadata"}},
		Fetch:    download.Fetcher{Client: server.Client(), URL: server.URL + "/targets"},
		Director: s, Policy: func() Policy { return s.policy },
		Restart: func(why string) { s.restarts = append(s.restarts, why) },
		Report:  func(act string, _ ...slog.Attr) { s.acts = append(s.acts, act) },
	}
	s.publish(handover.Status{Phase: handover.Idle, Package: "1.0.0", Active: "1.0.0"})
	return s
}

// publish is root's side saying how it stands.
func (s *scene) publish(root handover.Status) {
	s.t.Helper()
	s.root = root
	data, err := json.Marshal(root)
	if err == nil {
		err = os.WriteFile(s.config.Status+".new", data, 0o644)
	}
	if err == nil {
		err = os.Rename(s.config.Status+".new", s.config.Status)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) release(version, minFrom string) release.Release {
	s.t.Helper()
	program := filepath.Join(s.dir, "program-"+version)
	if err := os.WriteFile(program, []byte(strings.Repeat("program ", 1000)+version), 0o755); err != nil {
		s.t.Fatal(err)
	}
	rel, err := s.repo.Add(program, release.Release{Version: version, OS: "linux", Arch: "amd64", MinFrom: minFrom})
	if err != nil {
		s.t.Fatal(err)
	}
	if missing, err := s.repo.Sign(s.keys); err != nil || missing != nil {
		s.t.Fatal(missing, err)
	}
	return rel
}

func (s *scene) updater() *Updater { return New(s.config) }

// helper plays root's side: when asked to apply it says what the test wants.
func (s *scene) helper(ctx context.Context, then handover.Status) {
	go func() {
		for ctx.Err() == nil {
			if os.Remove(filepath.Join(s.config.Inbox, handover.RequestApply)) == nil {
				if then.Last != nil {
					then.Last.At = time.Now()
				}
				s.publish(then)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
}

func TestAReleaseIsFetchedAppliedAndStarted(t *testing.T) {
	s := newScene(t)
	rel := s.release("1.1.0", "")
	s.want = Wanted{Version: "1.1.0", Reason: "all"}
	u := s.updater()
	s.helper(t.Context(), handover.Status{Phase: handover.Applied, Candidate: &handover.Candidate{Image: handover.Image{Slot: handover.SlotA, Version: "1.1.0", SHA256: handover.Sum(rel.SHA256)}}})
	if _, err := u.check(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if len(s.restarts) != 1 || u.Progress().Phase != "applied" {
		t.Errorf("restarts %v, %+v", s.restarts, u.Progress())
	}
	if got := strings.Join(s.acts, " "); got != "update_staged update_applied" {
		t.Errorf("acts: got %q", got)
	}
	// What root is given verifies by itself, without the network.
	box, err := handover.OpenInbox(s.dir, s.config.Inbox, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	rootFile := filepath.Join(s.dir, "root.json")
	if err := os.WriteFile(rootFile, s.config.Metadata.Root, 0o644); err != nil {
		t.Fatal(err)
	}
	signed, err := slot.MetadataVerifier{Root: rootFile, Dir: filepath.Join(s.dir, "root-cache")}.Verify(t.Context(), box)
	if err != nil || len(signed.Releases) != 1 || signed.Releases[0].SHA256 != rel.SHA256 {
		t.Errorf("root's side: got %+v, %v", signed, err)
	}
	f, err := box.Artifact(rel.SHA256, rel.Size)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}

func TestWhatKeepsAReleaseAway(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*scene, release.Release)
		phase   string
		fetched bool
	}{
		"off":          {func(s *scene, _ release.Release) { s.policy.Mode = Off }, "off", false},
		"package mode": {func(s *scene, _ release.Release) { s.policy.Mode = Package }, "available", false},
		"notify mode":  {func(s *scene, _ release.Release) { s.policy.Mode = Notify }, "available", false},
		"not set up":   {func(s *scene, _ release.Release) { _ = os.Remove(s.config.Status) }, "unavailable", false},
		"held":         {func(s *scene, _ release.Release) { s.publish(handover.Status{Hold: "dnf downgrade"}) }, "held", false},
		"failed here before": {func(s *scene, r release.Release) {
			s.publish(handover.Status{Bad: []handover.Mark{{Version: r.Version, SHA256: handover.Sum(r.SHA256), Class: handover.Crash, Reason: "signal"}}})
		}, "rolled_back", false},
		"blocked by policy": {func(s *scene, r release.Release) {
			s.publish(handover.Status{Bad: []handover.Mark{{Version: r.Version, SHA256: handover.Sum(r.SHA256), Class: handover.Policy, Reason: "noexec"}}})
		}, "blocked", false},
		"older than what runs": {func(s *scene, _ release.Release) { s.config.Version = "2.0.0" }, "not_newer", false},
		"the cloud says later": {func(s *scene, _ release.Release) { s.want.Wait = time.Hour }, "waiting", true},
		"outside of the window": {func(s *scene, _ release.Release) {
			now := time.Now()
			w := Window{set: true, from: 0, to: 1}
			w.days[(int(now.Weekday())+3)%7] = true
			s.policy.Window = w
		}, "waiting", true},
		"nothing is wanted":   {func(s *scene, _ release.Release) { s.want = Wanted{} }, "idle", false},
		"pinned to what runs": {func(s *scene, _ release.Release) { s.publish(handover.Status{Pin: "1.0.0"}) }, "idle", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			rel := s.release("1.1.0", "")
			s.want = Wanted{Version: "1.1.0"}
			c.prepare(s, rel)
			u := s.updater()
			if _, err := u.check(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			if got := u.Progress().Phase; got != c.phase {
				t.Errorf("phase: got %q (%s), want %q", got, u.Progress().Reason, c.phase)
			}
			if got := u.has(rel); got != c.fetched {
				t.Errorf("fetched: got %v, want %v", got, c.fetched)
			}
			if len(s.restarts) != 0 {
				t.Error("it restarted")
			}
		})
	}
}

func TestErrorsAreSaidAndChangeNothing(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*scene)
		want    string
	}{
		"the cloud does not answer":      {func(s *scene) { s.wantErr = errors.New("refused") }, "asking the cloud"},
		"a release that nobody signed":   {func(s *scene) { s.want.Version = "6.6.6" }, "nobody signed"},
		"too far away, no step between":  {func(s *scene) { s.release("2.0.0", "1.9.0"); s.want.Version = "2.0.0" }, "no releases between"},
		"the program is not what it was": {func(s *scene) { spoil(s) }, download.ErrMismatch.Error()},
		"root refuses": {func(s *scene) {
			s.helper(s.t.Context(), handover.Status{Last: &handover.Event{Phase: handover.Refused, Code: "no_room", Reason: "disk full"}})
		}, "no_room"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.release("1.1.0", "")
			s.want = Wanted{Version: "1.1.0"}
			c.prepare(s)
			if _, err := s.updater().check(t.Context(), false); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if len(s.restarts) != 0 {
				t.Error("it restarted")
			}
		})
	}
}

// spoil exchanges the programs in the repository for others of the same size.
func spoil(s *scene) {
	files, _ := filepath.Glob(filepath.Join(s.dir, "repo", "targets", "*", "*", "*", "*", "*.tcenvsvr"))
	for _, file := range files {
		info, _ := os.Stat(file)
		if err := os.WriteFile(file, make([]byte, info.Size()), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}

// An import says what it brought, and something takes it away before the agent looks.
func TestAnImportThatIsNotThere(t *testing.T) {
	s := newScene(t)
	s.release("1.1.0", "")
	u := s.updater()
	if _, err := u.Metadata.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	u.imported(t.Context(), "1.1.0")
	if got, want := u.Progress().Error, "release 1.1.0 is not in the inbox"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	u.imported(t.Context(), "6.6.6")
	if got, want := u.Progress().Error, "no such release"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(s.restarts) != 0 || handover.Asked(s.config.Inbox, handover.RequestApply) {
		t.Error("it was asked for")
	}
}

func TestALongWayGoesOverASteppingStone(t *testing.T) {
	s := newScene(t)
	s.release("1.5.0", "1.0.0")
	s.release("1.9.0", "1.5.0")
	s.release("2.0.0", "1.9.0")
	s.want = Wanted{Version: "2.0.0", Wait: time.Hour}
	u := s.updater()
	if _, err := u.check(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if got := u.Progress().Wanted; got != "1.5.0" {
		t.Errorf("first step: got %q, want 1.5.0", got)
	}
}

func TestAPinOnThisHostIsWhatIsWanted(t *testing.T) {
	s := newScene(t)
	s.config.Version = "1.2.0"
	s.release("1.1.0", "")
	s.publish(handover.Status{Pin: "1.1.0"})
	s.want = Wanted{Version: "9.9.9"}
	s.policy.Mode = Notify
	u := s.updater()
	if _, err := u.check(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if p := u.Progress(); p.Phase != "available" || p.Wanted != "1.1.0" {
		t.Errorf("got %+v, want the pinned version", p)
	}
}

// On trial, the program asks to be blessed once it had a session, again each minute; without a
// cloud it counts as healthy after a while.
func TestHealth(t *testing.T) {
	for name, c := range map[string]struct {
		session bool
		after   time.Duration
	}{"with a session": {true, 0}, "the cloud is down": {false, aloneFor}} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			synctest.Test(t, func(t *testing.T) {
				image := handover.Image{Slot: handover.SlotA, Version: "1.1.0"}
				s.publish(handover.Status{Phase: handover.Trying, Selected: &image, Candidate: &handover.Candidate{Image: image}})
				s.config.Version = "1.1.0"
				u := s.updater()
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { u.confirm(ctx); close(done) }()
				asked := func() bool { return os.Remove(filepath.Join(s.config.Inbox, handover.RequestHealthy)) == nil }
				if c.session {
					u.Healthy()
					u.Healthy()
				} else {
					time.Sleep(c.after - time.Second)
					synctest.Wait()
					if asked() {
						t.Error("it asked to be blessed too early")
					}
					time.Sleep(time.Second)
				}
				synctest.Wait()
				if !asked() {
					t.Fatal("it did not ask to be blessed")
				}
				time.Sleep(askEvery + time.Second)
				synctest.Wait()
				if !asked() {
					t.Error("it did not ask again after a helper that was killed")
				}
				s.publish(handover.Status{Phase: handover.Good, Selected: &image})
				time.Sleep(time.Second)
				synctest.Wait()
				<-done
				cancel()
				if u.Progress().Phase != "good" {
					t.Errorf("got %+v, want good", u.Progress())
				}
			})
		})
	}
}

func TestRunRepeatsEndsAndNeverFails(t *testing.T) {
	s := newScene(t)
	synctest.Test(t, func(t *testing.T) {
		s.wantErr = errors.New("no way to the cloud")
		u := s.updater()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- u.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if p := u.Progress(); p.Error == "" {
			t.Errorf("got %+v, want the error", p)
		}
		s.wantErr = nil
		u.Check(false)
		synctest.Wait()
		if p := u.Progress(); p.Error != "" || p.Phase != "idle" {
			t.Errorf("got %+v, want idle", p)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("got %v", err)
		}
	})
}

// What "update apply" asks for is done, also while another check is waited for.
func TestApplyIsNotLostBehindACheck(t *testing.T) {
	s := newScene(t)
	s.release("1.1.0", "")
	s.want = Wanted{Version: "1.1.0"}
	s.policy.Mode = Notify
	u := s.updater()
	u.Check(false)
	u.Check(true)
	u.Check(false)
	s.helper(t.Context(), handover.Status{Last: &handover.Event{Phase: handover.Refused, Code: "test", Reason: "it was asked"}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	for u.Progress().Ended.IsZero() {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-done
	if p := u.Progress(); !strings.Contains(p.Error, "it was asked") {
		t.Errorf("got %+v, want that root's side was asked to apply", p)
	}
}

func TestTheCloudLearnsWhatFailed(t *testing.T) {
	s := newScene(t)
	now := time.Now()
	s.publish(handover.Status{Bad: []handover.Mark{
		{Version: "1.1.0", Class: handover.Crash, Reason: "signal", At: now.Add(-time.Hour)},
		{Version: "1.2.0", Class: handover.Hang, Reason: "no READY", At: now},
	}})
	if got := s.updater().Summary(); got.Failed != "1.2.0" || got.Reason != "hang: no READY" || got.Mode != "self" {
		t.Errorf("got %+v", got)
	}
}
