package metadata_test

import (
	"bufio"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	tuf "github.com/theupdateframework/go-tuf/v2/metadata"

	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// world is a repository and a client of it.
type world struct {
	t    *testing.T
	repo *repository.Repository
	dir  string // of the repository
	keys []repository.Key
	pems string // folder of the keys
	metadata.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "repo"), pems: filepath.Join(t.TempDir(), "keys")}
	var err error
	if w.repo, err = repository.Init(w.dir, w.pems, repository.Offline{Keys: 3, Threshold: 2}); err != nil {
		t.Fatal(err)
	}
	if w.keys, err = repository.ReadKeys(w.pems); err != nil {
		t.Fatal(err)
	}
	w.Root, err = w.repo.Root()
	if err != nil {
		t.Fatal(err)
	}
	w.Client.Dir = filepath.Join(t.TempDir(), "cache")
	w.Source = metadata.FS{FS: os.DirFS(filepath.Join(w.dir, "metadata"))}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// release adds a version and publishes it.
func (w *world) release(version string) {
	w.t.Helper()
	program := filepath.Join(w.t.TempDir(), "program")
	w.must(os.WriteFile(program, []byte("program "+version), 0o755))
	_, err := w.repo.Add(program, release.Release{Version: version, OS: "linux", Arch: "amd64"})
	w.must(err)
	w.sign(w.keys...)
}

func (w *world) sign(keys ...repository.Key) {
	w.t.Helper()
	missing, err := w.repo.Sign(keys)
	w.must(err)
	if missing != nil {
		w.t.Fatalf("still unsigned: %v", missing)
	}
}

func (w *world) refresh() (*metadata.Trusted, error) { return w.Refresh(w.t.Context()) }

// sees refreshes and wants this newest version.
func (w *world) sees(version string) {
	w.t.Helper()
	trusted, err := w.refresh()
	if err != nil {
		w.t.Fatal(err)
	}
	if got := trusted.Releases[0].Version; got != version {
		w.t.Fatalf("newest release: got %q, want %q", got, version)
	}
}

// refuses refreshes and wants an error that is target (nil = any) and says want.
func (w *world) refuses(target error, want string) {
	w.t.Helper()
	trusted, err := w.refresh()
	if err == nil {
		w.t.Fatalf("it was accepted: %+v", trusted.Versions)
	}
	if target != nil && !errors.Is(err, target) || !strings.Contains(err.Error(), want) {
		w.t.Fatalf("got %v, want %v with %q", err, target, want)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, "metadata", name) }

// saved keeps the repository as it is now and returns what puts it back.
func (w *world) saved() func() {
	w.t.Helper()
	keep := w.t.TempDir()
	w.must(os.CopyFS(filepath.Join(keep, "m"), os.DirFS(filepath.Join(w.dir, "metadata"))))
	return func() {
		w.t.Helper()
		w.must(os.RemoveAll(filepath.Join(w.dir, "metadata")))
		w.must(os.CopyFS(filepath.Join(w.dir, "metadata"), os.DirFS(filepath.Join(keep, "m"))))
	}
}

// forge publishes the newest file of a role as change makes it, signed as a thief of its keys could.
func (w *world) forge(role string, change func(signed map[string]any)) {
	w.t.Helper()
	files, err := filepath.Glob(w.path("*" + role + ".json"))
	w.must(err)
	file := files[len(files)-1]
	data, err := os.ReadFile(file)
	w.must(err)
	var whole struct {
		Signed map[string]any `json:"signed"`
	}
	w.must(json.Unmarshal(data, &whole))
	change(whole.Signed)
	data, err = json.Marshal(map[string]any{"signed": whole.Signed, "signatures": []any{}})
	w.must(err)
	switch role {
	case tuf.ROOT:
		resign(w, tuf.Root(), data, w.path(fmt.Sprintf("%v.root.json", whole.Signed["version"])))
	case tuf.TARGETS:
		resign(w, tuf.Targets(), data, file)
	case tuf.SNAPSHOT:
		resign(w, tuf.Snapshot(), data, file)
	case tuf.TIMESTAMP:
		resign(w, tuf.Timestamp(), data, file)
	}
}

// list puts a forged file into the one that names it, and that one into the next.
func (w *world) list(role, in string) {
	w.t.Helper()
	files, err := filepath.Glob(w.path("*." + role + ".json"))
	w.must(err)
	data, err := os.ReadFile(files[len(files)-1])
	w.must(err)
	sum := sha256.Sum256(data)
	w.forge(in, func(signed map[string]any) {
		meta := signed["meta"].(map[string]any)[role+".json"].(map[string]any)
		meta["length"], meta["hashes"] = len(data), map[string]any{"sha256": hex.EncodeToString(sum[:])}
	})
}

func resign[T tuf.Roles](w *world, m *tuf.Metadata[T], data []byte, file string) {
	w.t.Helper()
	m, err := m.FromBytes(data)
	w.must(err)
	role := strings.TrimSuffix(filepath.Base(file), ".json")
	role = role[strings.LastIndex(role, ".")+1:]
	pems, err := filepath.Glob(filepath.Join(w.pems, role+"*.pem"))
	w.must(err)
	for _, name := range pems {
		pemText, err := os.ReadFile(name)
		w.must(err)
		key, err := cryptoutils.UnmarshalPEMToPrivateKey(pemText, nil)
		w.must(err)
		signer, err := signature.LoadSigner(key, crypto.SHA256)
		w.must(err)
		_, err = m.Sign(signer)
		w.must(err)
	}
	w.must(m.ToFile(file, false))
}

func TestReleasesArriveAndAreFound(t *testing.T) {
	w := newWorld(t)
	w.release("1.9.0")
	w.release("1.10.0")
	w.sees("1.10.0")
	trusted, err := w.Cached(t.Context())
	w.must(err)
	if _, err := trusted.Find("1.9.0", "linux", "amd64"); err != nil {
		t.Error(err)
	}
	for _, c := range [][3]string{{"1.9.0", "linux", "arm64"}, {"1.9.0", "windows", "amd64"}, {"3.0.0", "linux", "amd64"}} {
		if _, err := trusted.Find(c[0], c[1], c[2]); !errors.Is(err, metadata.ErrNoRelease) {
			t.Errorf("%v: got %v, want ErrNoRelease", c, err)
		}
	}
	w.must(w.repo.Revoke("1.10.0", "linux", "amd64"))
	w.sign(w.keys...)
	w.sees("1.9.0")
	if trusted, _ = w.Cached(t.Context()); len(trusted.Revoked) != 1 {
		t.Errorf("revoked: got %v, want one", trusted.Revoked)
	}
}

// The folder of one client is the source of the next: the agent's for root's helper.
func TestAClientsFolderIsASource(t *testing.T) {
	w := newWorld(t)
	w.release("1.0.0")
	k, err := repository.NewKey(filepath.Join(t.TempDir(), "new.pem"))
	w.must(err)
	w.must(w.repo.Rotate("timestamp", "", k))
	w.sign(append(w.keys, k)...)
	w.sees("1.0.0")
	second := metadata.Client{Root: w.Root, Dir: filepath.Join(t.TempDir(), "root"), Source: metadata.FS{FS: os.DirFS(w.Client.Dir)}}
	trusted, err := second.Refresh(t.Context())
	w.must(err)
	if trusted.Versions["root"] != 2 {
		t.Errorf("root: got version %d, want 2", trusted.Versions["root"])
	}
}

func TestHostileRepositories(t *testing.T) {
	for name, attack := range map[string]func(*world){
		"replay of an older repository": func(w *world) {
			back := w.saved()
			w.release("1.1.0")
			w.sees("1.1.0")
			back()
			w.refuses(metadata.ErrRollback, "after")
		},
		"older repository after the cache was lost": func(w *world) {
			back := w.saved()
			w.release("1.1.0")
			w.sees("1.1.0")
			files, _ := filepath.Glob(filepath.Join(w.Client.Dir, "*s*.json")) // all but floor.json
			for _, f := range files {
				w.must(os.Remove(f))
			}
			back()
			w.refuses(metadata.ErrRollback, "after")
		},
		"mix of old targets and new snapshot": func(w *world) {
			old, err := os.ReadFile(w.path("2.targets.json"))
			w.must(err)
			w.release("1.1.0")
			w.must(os.WriteFile(w.path("3.targets.json"), old, 0o644))
			w.refuses(nil, "3.targets.json")
		},
		"a target swapped in the metadata": func(w *world) {
			data, err := os.ReadFile(w.path("2.targets.json"))
			w.must(err)
			w.must(os.WriteFile(w.path("2.targets.json"), []byte(strings.Replace(string(data), "1.0.0", "9.9.9", 3)), 0o644))
			w.refuses(nil, "2.targets.json")
		},
		"one signature of two": func(w *world) {
			program := filepath.Join(w.t.TempDir(), "evil")
			w.must(os.WriteFile(program, []byte("evil"), 0o755))
			_, err := w.repo.Add(program, release.Release{Version: "2.0.0", OS: "linux", Arch: "amd64"})
			w.must(err)
			ids, err := w.repo.KeysOf("targets")
			w.must(err)
			missing, err := w.repo.Sign(only(w.keys, ids[0]))
			w.must(err)
			if len(missing) != 1 || missing[0] != "targets" {
				w.t.Fatalf("missing: got %v, want targets", missing)
			}
			// A thief of one offline key and both online ones publishes it all the same.
			w.must(os.Rename(filepath.Join(w.dir, "staged", "targets.json"), w.path("3.targets.json")))
			w.must(w.repo.Refresh(w.keys))
			w.refuses(nil, "3.targets.json")
		},
		"a key of nobody": func(w *world) {
			other := newWorld(w.t)
			other.release("9.0.0")
			w.Source = other.Source
			w.refuses(nil, "")
		},
		"a key that was revoked": func(w *world) {
			old, err := w.repo.KeysOf("timestamp")
			w.must(err)
			k, err := repository.NewKey(filepath.Join(w.t.TempDir(), "new.pem"))
			w.must(err)
			w.must(w.repo.Rotate("timestamp", old[0], k))
			w.sign(append(w.keys, k)...)
			stamp, err := os.ReadFile(w.path("timestamp.json"))
			w.must(err)
			w.sees("1.0.0")
			w.must(os.WriteFile(w.path("timestamp.json"), []byte(strings.Replace(string(stamp), k.ID, old[0], 1)), 0o644))
			w.refuses(nil, "timestamp.json")
		},
		"fast-forward, healed by a new key": func(w *world) {
			floor := filepath.Join(w.Client.Dir, "floor.json")
			w.sees("1.0.0")
			data, err := os.ReadFile(floor)
			w.must(err)
			var f map[string]any
			w.must(json.Unmarshal(data, &f))
			f["roles"].(map[string]any)["timestamp"].(map[string]any)["version"] = 1 << 53
			data, err = json.Marshal(f)
			w.must(err)
			w.must(os.WriteFile(floor, data, 0o600))
			w.refuses(metadata.ErrRollback, "timestamp")
			old, err := w.repo.KeysOf("timestamp")
			w.must(err)
			k, err := repository.NewKey(filepath.Join(w.t.TempDir(), "new.pem"))
			w.must(err)
			w.must(w.repo.Rotate("timestamp", old[0], k))
			w.sign(append(w.keys, k)...)
			w.sees("1.0.0")
		},
		"nothing where the timestamp should be": func(w *world) {
			w.must(os.Remove(w.path("timestamp.json")))
			w.refuses(fs.ErrNotExist, "timestamp.json")
		},
		"junk for each file": func(w *world) {
			for _, junk := range []string{"", "null", "{}", "[]", "\x00\x00", `{"signed":null,"signatures":null}`, strings.Repeat("[", 10_000)} {
				for _, name := range []string{"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"} {
					back := w.saved()
					w.must(os.RemoveAll(w.Client.Dir))
					w.must(os.WriteFile(w.path(name), []byte(junk), 0o644))
					w.refuses(nil, name)
					back()
				}
			}
			w.sees("1.0.0")
		},
		"text for a terminal": func(w *world) {
			w.must(os.WriteFile(w.path("timestamp.json"), []byte(`{"signed":{"_type":"\u001b]0;owned\u0007`+strings.Repeat("x", 10_000)+`"},"signatures":[]}`), 0o644))
			w.refuses(nil, "expected metadata type timestamp, got - ?]0;owned?xxx")
			if _, err := w.refresh(); strings.ContainsAny(err.Error(), "\x1b\a") || len(err.Error()) > 1000 {
				w.t.Errorf("it is shown as it is, in %d bytes: %.200q", len(err.Error()), err)
			}
		},
		"a file that never ends": func(w *world) {
			w.must(os.Truncate(w.path("timestamp.json"), 1<<40))
			w.refuses(nil, "it is larger than 16384 bytes")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.release("1.0.0")
			attack(w)
		})
	}
}

// An online key was stolen: what it signs is malformed so that decoders fall over.
func TestTheOnlineKeyCannotEndTheAgent(t *testing.T) {
	w := newWorld(t)
	w.release("1.0.0")
	const unnamed = "the metadata names no version and SHA-256 of snapshot.json"
	for name, c := range map[string]struct{ meta, says string }{
		"no snapshot":          {`{}`, unnamed},
		"snapshot is null":     {`{"snapshot.json":null}`, unnamed},
		"no hash":              {`{"snapshot.json":{"version":2}}`, unnamed},
		"version zero":         {`{"snapshot.json":{"version":0,"hashes":{"sha256":"00"}}}`, unnamed},
		"path in the version?": {`{"snapshot.json":{"version":-7}}`, unnamed},
	} {
		t.Run(name, func(t *testing.T) {
			back := w.saved()
			defer back()
			w.forge(tuf.TIMESTAMP, func(signed map[string]any) { signed["meta"] = json.RawMessage(c.meta) })
			w.refuses(nil, c.says)
		})
	}
	w.sees("1.0.0")
}

// Nor can those who have all keys, by mistake or not.
func TestSignedNonsense(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(*world)
		says  string
	}{
		"a key that is none": {func(w *world) {
			w.forge(tuf.ROOT, func(signed map[string]any) {
				signed["version"] = 2
				signed["keys"].(map[string]any)["none"] = nil
				signed["roles"].(map[string]any)["timestamp"].(map[string]any)["keyids"] = []string{"none"}
			})
		}, "refreshing update metadata: it is malformed: runtime error"},
		"a target without custom data": {func(w *world) {
			w.forge(tuf.TARGETS, func(signed map[string]any) {
				for _, target := range signed["targets"].(map[string]any) {
					delete(target.(map[string]any), "custom")
				}
			})
			w.list(tuf.TARGETS, tuf.SNAPSHOT)
			w.list(tuf.SNAPSHOT, tuf.TIMESTAMP)
		}, `reading target "tcenvsvr/linux/amd64/1.0.0/tcenvsvr": it has no custom data`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.release("1.0.0")
			c.forge(w)
			w.refuses(nil, c.says)
		})
	}
}

// Keys that are changed hourly for years outlast a host that was off. It follows in several checks.
func TestAHostThatMissedManyRoots(t *testing.T) {
	w := newWorld(t)
	w.release("1.0.0")
	if memory, err := os.MkdirTemp("/dev/shm", "metadata"); err == nil { // each root is told to the disk
		t.Cleanup(func() { _ = os.RemoveAll(memory) })
		w.Client.Dir = memory
	}
	roots := fstest.MapFS{}
	for version := 2; version <= 258; version++ {
		w.forge(tuf.ROOT, func(signed map[string]any) { signed["version"] = version })
		name := fmt.Sprintf("%d.root.json", version)
		data, err := os.ReadFile(w.path(name))
		w.must(err)
		roots[name] = &fstest.MapFile{Data: data}
		w.must(os.Remove(w.path(name)))
	}
	w.must(os.CopyFS(filepath.Join(w.dir, "metadata"), roots))
	w.refuses(nil, "more than 256 new roots at once; the next check goes on after them")
	w.sees("1.0.0")
}

// Whatever a power cut leaves of the cache, the next refresh mends.
func TestATornCacheIsMended(t *testing.T) {
	w := newWorld(t)
	w.release("1.0.0")
	w.sees("1.0.0")
	names, err := filepath.Glob(filepath.Join(w.Client.Dir, "*.json"))
	w.must(err)
	if len(names) != 4 { // floor, timestamp, snapshot, targets
		t.Fatalf("cache: got %v", names)
	}
	for _, name := range names {
		whole, err := os.ReadFile(name)
		w.must(err)
		for what, torn := range map[string][]byte{"empty": nil, "half": whole[:len(whole)/2], "zeros": make([]byte, len(whole)), "null": []byte("null")} {
			w.must(os.WriteFile(name, torn, 0o600))
			if _, err := w.refresh(); err != nil {
				t.Errorf("%s %s: %v", filepath.Base(name), what, err)
			}
			if _, err := w.Cached(t.Context()); err != nil {
				t.Errorf("%s %s: not mended: %v", filepath.Base(name), what, err)
			}
		}
	}
}

// What is there and cannot be read may have taken trust back: it is not passed over.
func TestACacheThatCannotBeRead(t *testing.T) {
	for _, name := range []string{"2.root.json", "floor.json"} {
		w := newWorld(t)
		w.release("1.0.0")
		w.sees("1.0.0")
		file := filepath.Join(w.Client.Dir, name)
		w.must(os.RemoveAll(file))
		w.must(os.Mkdir(file, 0o700))
		if _, err := w.refresh(); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExpiryAndClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.release("1.0.0")
		w.sees("1.0.0")
		time.Sleep(repository.TimestampLife + time.Minute)
		w.refuses(metadata.ErrExpired, "timestamp.json is expired")
		w.must(w.repo.Refresh(w.keys))
		w.sees("1.0.0")
		// Nobody signed for years, and then the root itself is too old.
		time.Sleep(10 * 365 * 24 * time.Hour)
		w.refuses(metadata.ErrExpired, "expired")
	})
}

// A clock that is ten years slow must not make old metadata valid again.
func TestASlowClockAcceptsNothingExpired(t *testing.T) {
	w := newWorld(t)
	w.release("1.0.0")
	w.Built = time.Now().Add(10 * 365 * 24 * time.Hour)
	w.refuses(metadata.ErrExpired, "expired")
	w.Built = time.Now().Add(-10 * 365 * 24 * time.Hour)
	w.sees("1.0.0")
}

// A signer whose clock is ten years ahead for a while blocks nothing: his next signature counts,
// though it is earlier. What was seen stays a floor for versions.
func TestASignersClockIsAheadForAWhile(t *testing.T) {
	w := newWorld(t)
	at := func(later time.Duration, do func()) { // each bubble begins at the same moment
		synctest.Test(t, func(t *testing.T) {
			w.t = t
			time.Sleep(later)
			do()
		})
	}
	at(0, func() {
		w.release("1.0.0")
		w.sees("1.0.0")
	})
	at(10*365*24*time.Hour, func() { w.must(w.repo.Refresh(w.keys)) })
	ahead, err := os.ReadFile(w.path("timestamp.json"))
	w.t = t
	w.must(err)
	at(time.Minute, func() { w.sees("1.0.0") })
	at(time.Hour, func() {
		w.must(w.repo.Refresh(w.keys))
		w.sees("1.0.0")
	})
	at(2*time.Hour, func() { w.sees("1.0.0") })
	at(3*time.Hour, func() {
		w.must(os.WriteFile(w.path("timestamp.json"), ahead, 0o600))
		w.refuses(metadata.ErrRollback, "after")
	})
}

func TestHTTPSource(t *testing.T) {
	w := newWorld(t)
	w.release("1.0.0")
	files := http.FileServer(http.Dir(filepath.Join(w.dir, "metadata")))
	answers := map[string]http.HandlerFunc{
		"plain":               files.ServeHTTP,
		"403 for what is not": func(rw http.ResponseWriter, r *http.Request) { serveOr(rw, r, w.dir, http.StatusForbidden) },
		"404 for what is not": func(rw http.ResponseWriter, r *http.Request) { serveOr(rw, r, w.dir, http.StatusNotFound) },
	}
	for name, handler := range answers {
		server := httptest.NewTLSServer(handler)
		w.Source = metadata.HTTP{Client: server.Client(), URL: server.URL}
		w.must(os.RemoveAll(w.Client.Dir))
		if _, err := w.refresh(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
	w.Source = metadata.HTTP{Client: &http.Client{Transport: words("HTTP/1.1 500 \x1b]0;owned\a\r\n\r\n")}, URL: "http://mirror"}
	w.refuses(nil, "the update server answered 500 Internal Server Error")
	w.Source = metadata.HTTP{Client: &http.Client{Transport: words("HTTP/1.1 503 \x1b]0;owned\a\r\n\r\n")}, URL: "http://mirror"}
	w.refuses(nil, "the update server is busy: it answered 503 Service Unavailable")
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "90")
		rw.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	w.Source = metadata.HTTP{Client: server.Client(), URL: server.URL}
	_, err := w.refresh()
	if busy, ok := errors.AsType[*metadata.BusyError](err); !ok || busy.After != 90*time.Second {
		t.Errorf("got %v, want to be asked back after 90 s", err)
	}
	endless := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := fmt.Fprint(rw, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	w.Source = metadata.HTTP{Client: endless.Client(), URL: endless.URL}
	w.refuses(nil, "larger than")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Refresh(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}

// words is a server's answer, to the byte.
type words string

func (a words) RoundTrip(r *http.Request) (*http.Response, error) {
	return http.ReadResponse(bufio.NewReader(strings.NewReader(string(a))), r)
}

func serveOr(rw http.ResponseWriter, r *http.Request, dir string, code int) {
	file := filepath.Join(dir, "metadata", filepath.Base(r.URL.Path))
	if _, err := os.Stat(file); err != nil {
		rw.WriteHeader(code)
		return
	}
	http.ServeFile(rw, r, file)
}

func only(keys []repository.Key, id string) []repository.Key {
	byID := map[string]repository.Key{}
	for _, k := range keys {
		byID[k.ID] = k
	}
	maps.DeleteFunc(byID, func(other string, _ repository.Key) bool { return other != id })
	return []repository.Key{byID[id]}
}
