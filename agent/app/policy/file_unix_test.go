//go:build unix

package policy_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/test/need"
)

const allowA = "version: 1\nrules: [{allow: ours, apps: A}]\n"

var (
	requestA = policy.Request{App: "A", Version: "1.0"}
	requestB = policy.Request{App: "B", Version: "1.0"}
)

// rootsFolder returns a folder that root alone can write, up to the top; the usual /tmp is
// everybody's.
func rootsFolder(t testing.TB) string {
	t.Helper()
	need.Root(t)
	dir, err := os.MkdirTemp("/run", "policy-test-")
	if err != nil {
		t.Skipf("there is no folder that only root can write: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put replaces the file as an administrator does; it looks as old as any other.
func put(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path+".new", []byte(text), 0o644))
	long := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(path+".new", long, long))
	must(t, os.Rename(path+".new", path))
}

func TestUnsafeFileDeniesEverything(t *testing.T) {
	const somebody = 12345
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir, path string) // dir holds a/b/policy.yaml
		want  string
		safe  bool
	}{
		"as it should be":     {spoil: func(*testing.T, string, string) {}, safe: true},
		"root's group may":    {spoil: func(t *testing.T, _, path string) { must(t, os.Chmod(path, 0o640)) }, safe: true},
		"another's file":      {spoil: func(t *testing.T, _, path string) { must(t, os.Chown(path, somebody, 0)) }, want: "belongs to user 12345"},
		"another's group":     {spoil: func(t *testing.T, _, path string) { must(t, os.Chown(path, 0, somebody)) }, safe: true},
		"group can write":     {spoil: func(t *testing.T, _, path string) { must(t, os.Chmod(path, 0o664)) }, want: "mode 0664"},
		"others can write":    {spoil: func(t *testing.T, _, path string) { must(t, os.Chmod(path, 0o646)) }, want: "mode 0646"},
		"another's folder":    {spoil: func(t *testing.T, dir, _ string) { must(t, os.Chown(dir+"/a/b", somebody, 0)) }, want: "belongs to user 12345"},
		"another's, above":    {spoil: func(t *testing.T, dir, _ string) { must(t, os.Chown(dir+"/a", somebody, 0)) }, want: "belongs to user 12345"},
		"group, folder":       {spoil: func(t *testing.T, dir, _ string) { must(t, os.Chmod(dir+"/a/b", 0o775)) }, want: "mode 0775"},
		"others, above":       {spoil: func(t *testing.T, dir, _ string) { must(t, os.Chmod(dir+"/a", 0o757)) }, want: "mode 0757"},
		"others, but sticky":  {spoil: func(t *testing.T, dir, _ string) { must(t, os.Chmod(dir+"/a", 0o777|os.ModeSticky)) }, want: "others can write"},
		"a link to the file":  {spoil: func(t *testing.T, _, path string) { move(t, path); must(t, os.Symlink(path+".moved", path)) }, want: "symbolic link"},
		"a link that dangles": {spoil: func(t *testing.T, _, path string) { must(t, os.Remove(path)); must(t, os.Symlink("nowhere", path)) }, want: "symbolic link"},
		"a link to a folder":  {spoil: func(t *testing.T, dir, _ string) { move(t, dir+"/a"); must(t, os.Symlink("a.moved", dir+"/a")) }, want: "symbolic link"},
		"a folder":            {spoil: func(t *testing.T, _, path string) { must(t, os.Remove(path)); must(t, os.Mkdir(path, 0o755)) }, want: "no regular file"},
		"a pipe":              {spoil: func(t *testing.T, _, path string) { must(t, os.Remove(path)); must(t, syscall.Mkfifo(path, 0o644)) }, want: "no regular file"},
		"a file for a folder": {spoil: func(t *testing.T, dir, _ string) {
			must(t, os.RemoveAll(dir+"/a/b"))
			must(t, os.WriteFile(dir+"/a/b", nil, 0o644))
		}, want: "no folder"},
		"too large":  {spoil: func(t *testing.T, _, path string) { put(t, path, allowA+"#"+strings.Repeat("x", policy.MaxSize)) }, want: "longer"},
		"empty":      {spoil: func(t *testing.T, _, path string) { put(t, path, "") }, want: "empty"},
		"not a YAML": {spoil: func(t *testing.T, _, path string) { put(t, path, "a: [") }, want: "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := rootsFolder(t)
			path := filepath.Join(dir, "a/b/policy.yaml")
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			put(t, path, allowA)
			file := policy.NewFile(path)
			if d := file.Decide(requestA); !d.Allowed {
				t.Fatalf("before: %+v", d)
			}
			c.spoil(t, dir, path)
			for _, f := range []*policy.File{file, policy.NewFile(path)} { // one that knew it when it was good, one that did not
				p := f.Policy()
				d := p.Decide(requestA)
				if d.Allowed != c.safe {
					t.Errorf("got %+v, want allowed %v", d, c.safe)
				}
				if !c.safe && (p.Err() == nil || d.Rule != policy.RuleFile || !strings.Contains(d.Reason, c.want) || strings.Contains(d.Reason, "\n")) {
					t.Errorf("got %+v (%v), want something with %q", d, p.Err(), c.want)
				}
				if v := p.View(); (v.State == "valid") != c.safe || p.Absent() {
					t.Errorf("got %+v", v)
				}
			}
			if _, err := policy.Load(path); (err == nil) != c.safe {
				t.Errorf("Load: got %v", err)
			}
		})
	}
}

func move(t *testing.T, path string) {
	t.Helper()
	must(t, os.Rename(path, path+".moved"))
}

func TestNoFileAllowsEverything(t *testing.T) {
	dir := rootsFolder(t)
	must(t, os.Mkdir(dir+"/theirs", 0o777))
	must(t, os.Chmod(dir+"/theirs", 0o777))
	for _, path := range []string{dir + "/policy.yaml", dir + "/none/policy.yaml", dir + "/theirs/policy.yaml"} {
		p := policy.NewFile(path).Policy()
		if d, want := p.Decide(requestA), (policy.Decision{Allowed: true, Reason: "there is no policy: everything is allowed"}); d != want || !p.Absent() || p.Err() != nil {
			t.Errorf("%s: got %+v, want %+v", path, d, want)
		}
		if v := p.View(); v.State != "none" {
			t.Errorf("got %+v", v)
		}
		if _, err := policy.Load(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load: got %v", err)
		}
	}
}

func TestPathIsPlain(t *testing.T) {
	for _, path := range []string{"", "policy.yaml", "/etc/../etc/policy.yaml", "/etc//policy.yaml", "/etc/"} {
		if d := policy.NewFile(path).Decide(requestA); d.Allowed || d.Rule != policy.RuleFile {
			t.Errorf("%q: got %+v", path, d)
		}
	}
}

func TestChangesCountAtOnce(t *testing.T) {
	path := filepath.Join(rootsFolder(t), "policy.yaml")
	f := policy.NewFile(path)
	check := func(when, rule string, a, b bool) *policy.Policy {
		t.Helper()
		p := f.Policy()
		if da, db := p.Decide(requestA), p.Decide(requestB); da.Allowed != a || db.Allowed != b || da.Rule != rule {
			t.Errorf("%s: got %+v and %+v, want %v and %v by %q", when, da, db, a, b, rule)
		}
		return p
	}
	check("no file", "", true, true)
	put(t, path, allowA)
	first := check("a file", "ours", true, false)
	if again := f.Policy(); again != first {
		t.Error("it was read anew without a change")
	}
	put(t, path, strings.Replace(allowA, "apps: A", "apps: B", 1)) // of the same size and time
	check("same size, same time", policy.RuleDefault, false, true)
	put(t, path, "version: 1\nrules: [{allow: ours, app: A}]")
	check("a mistake", policy.RuleFile, false, false)
	must(t, os.Remove(path))
	begun := time.Now()
	check("removed after a mistake", "", true, true)
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("that it is gone was believed after %v", took)
	}
	begun = time.Now()
	check("still removed", "", true, true)
	if took := time.Since(begun); took > 500*time.Millisecond {
		t.Errorf("no file takes %v each time", took)
	}
}

// An editor empties the file, or moves it away, and writes it in two steps: neither moment counts.
func TestHalfWrittenPolicyDoesNotCount(t *testing.T) {
	path := filepath.Join(rootsFolder(t), "policy.yaml")
	const whole = "version: 1\nrules:\n  - allow: ours\n    apps: A\n    sha256: " + sha + "\n"
	half := whole[:strings.Index(whole, "    sha256")] // allows any A
	put(t, path, whole)
	f := policy.NewFile(path)
	if d := f.Decide(requestA); d.Allowed {
		t.Fatalf("before: %+v", d)
	}
	for _, away := range []bool{false, true} {
		var wg sync.WaitGroup
		wg.Go(func() {
			if away {
				_ = os.Rename(path, path+"~")
				time.Sleep(30 * time.Millisecond)
			}
			w, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
			if err != nil {
				t.Error(err)
				return
			}
			defer w.Close()
			_, _ = w.WriteString(half)
			time.Sleep(30 * time.Millisecond)
			_, _ = w.WriteString(whole[len(half):])
		})
		for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
			if d := f.Decide(requestA); d.Allowed {
				t.Errorf("moved away first: %v: %+v", away, d)
				break
			}
		}
		wg.Wait()
	}
}

func TestFileIsForSeveralAtOnce(t *testing.T) {
	path := filepath.Join(rootsFolder(t), "policy.yaml")
	put(t, path, allowA)
	f := policy.NewFile(path)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if d := f.Decide(requestB); d.Allowed {
					t.Errorf("got %+v", d)
				}
			}
		})
	}
	for i := range 20 {
		put(t, path, allowA+strings.Repeat("#\n", i))
	}
	wg.Wait()
}

func BenchmarkFileDecide(b *testing.B) {
	path := filepath.Join(rootsFolder(b), "policy.yaml")
	put(b, path, documented(b))
	f := policy.NewFile(path)
	for b.Loop() {
		f.Decide(requestA)
	}
}
