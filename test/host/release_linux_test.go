package host

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Two versions of the package, of which the second is the newer.
const (
	older = "0.9.1-test.1"
	newer = "0.9.1-test.2"
)

// rpmArch is this machine's architecture as rpm calls it.
var rpmArch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]

// release is what the maintainers would publish, made by their own tool: both versions, signed, in
// one signed repository.
type release struct {
	repo   string // the folder, published as file:///share/repo
	key    string
	cloud  string // tccloud
	source string // of this module
	updates
}

// Whoever works on these tests can keep a release from one run to the next.
var keep = flag.String("release", "", "folder of a release that an earlier run left there; made where it is missing")

var releaseDir string // to be removed

// published builds the release when the first test wants it.
var published = sync.OnceValues(func() (*release, error) {
	dir := *keep
	if dir == "" {
		temp, err := os.MkdirTemp("", "tchost-release-")
		if err != nil {
			return nil, err
		}
		dir, releaseDir = temp, temp
	}
	source, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	r := &release{repo: filepath.Join(dir, "repo"), key: filepath.Join(dir, "key"), cloud: filepath.Join(dir, "tccloud"), source: source, updates: updates{dir}}
	if _, err := os.Stat(filepath.Join(r.repo, "repodata")); err == nil {
		return r, nil
	}
	err = r.create()
	tool := filepath.Join(dir, "tcrelease")
	do := func(name string, args ...string) {
		if err != nil {
			return
		}
		cmd := exec.CommandContext(context.Background(), name, args...)
		cmd.Dir = source
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as releases are built
		if out, failed := cmd.CombinedOutput(); failed != nil {
			err = fmt.Errorf("%s %v: %w: %s", filepath.Base(name), args, failed, lastLines(string(out), 20))
		}
	}
	do("go", "build", "-o", dir, "./cmd/tccloud", "./cmd/tcrelease")
	do(tool, "key", "new", "--no-passphrase", "--out", r.key)
	for _, version := range []string{older, newer} {
		do(tool, "package", "--key", r.key, "--version", version, "--arch", runtime.GOARCH, "--linux-only", "--only", "rpm",
			"--root", r.root(), "--commit", "0123456789ab", "--time", "2026-01-02T03:04:05Z", "--out", r.repo)
	}
	do(tool, "repo", "--key", r.key, "--url", "file:///share/repo", r.repo)
	if err == nil {
		err = r.fill(source)
	}
	return r, err
})

// theRelease is the release, or the end of the test.
func theRelease(t *testing.T) *release {
	t.Helper()
	r, err := published()
	must(t, err, "making the packages")
	return r
}
