package parts

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tcenvsvr/agent/host/paths"
)

// TestHomes: where the agent's folders are links to other disks, these are hidden, too.
func TestHomes(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(base, filepath.FromSlash(name)) }
	for name, test := range map[string]struct{ links, want []string }{
		"plain":          {nil, []string{"home"}},
		"home":           {[]string{"home"}, []string{"home", "disk/home"}},
		"state":          {[]string{"home/.tcenvsvr"}, []string{"home", "disk/home/.tcenvsvr"}},
		"jobs":           {[]string{"home/.tcenvsvr/exchange/jobs"}, []string{"home", "disk/home/.tcenvsvr/exchange/jobs"}},
		"jobs, programs": {[]string{"home/.tcenvsvr/exchange/jobs", "home/.tcenvsvr/exchange/programs"}, []string{"home", "disk/home/.tcenvsvr/exchange/programs", "disk/home/.tcenvsvr/exchange/jobs"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, dir := range []string{"home", "disk"} {
				if err := os.RemoveAll(at(dir)); err != nil {
					t.Fatal(err)
				}
			}
			for _, link := range test.links {
				if err := os.MkdirAll(at("disk/"+link), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(filepath.Dir(at(link)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(at("disk/"+link), at(link)); err != nil {
					t.Skip(err)
				}
			}
			p, err := paths.New(at("home"))
			if err != nil {
				t.Fatal(err)
			}
			for _, dir := range []string{p.Jobs, p.Programs} {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var want []string
			for _, w := range test.want {
				want = append(want, at(w))
			}
			if got := homes(p); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	p, err := paths.New("/")
	if err != nil {
		t.Fatal(err)
	}
	if got := homes(p); slices.Contains(got, "/") || got[0] != p.State {
		t.Errorf("got %q", got)
	}
}
