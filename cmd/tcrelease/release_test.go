package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tcenvsvr/cmd/tcrelease/internal/cli"
	"tcenvsvr/packaging"
	"tcenvsvr/test/need"
)

const passphrase = "a passphrase"

// tool runs the command line of tcrelease in this process.
func tool(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(t.Context(), args, &out, &errs)
	return out.String(), errs.String(), code
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := tool(t, args...)
	if code != 0 {
		t.Fatalf("tcrelease %s: exit %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// TestRelease makes a release of the real programs and looks at it with the
// tools of the hosts. It is the slowest test here: everything is compiled as for a release.
func TestRelease(t *testing.T) {
	rpm, dpkg := need.Tool(t, "rpm"), need.Tool(t, "dpkg-deb")
	t.Setenv("TCRELEASE_PASSPHRASE", passphrase)
	dir := t.TempDir()
	key := filepath.Join(dir, "release.key")
	if out := must(t, "key", "new", "-o", key); strings.Contains(out, passphrase) {
		t.Errorf("it prints the passphrase: %s", out)
	}
	if info, err := os.Stat(key); err != nil || info.Mode() != 0o600 {
		t.Errorf("the key is %v (%v), want mode 0600", info.Mode(), err)
	}
	if _, stderr, code := tool(t, "key", "new", "-o", key); code != 1 || !strings.Contains(stderr, "never overwritten") {
		t.Errorf("a key was overwritten: exit %d, %s", code, stderr)
	}

	// The race detector makes compression ten times slower: the program
	// itself runs here, as it is used.
	program := filepath.Join(dir, "tcrelease")
	sh(t, "go", "build", "-o", program, ".")
	dist := filepath.Join(dir, "dist")
	release := func(out string) string {
		return sh(t, program, "package", "--key", key, "--source", "../..", "--arch", "amd64", "--linux-only", "--out", out,
			"--version", "9.8.7-rc.1", "--commit", "0123456789abcdef", "--time", "2026-02-03T04:05:06Z")
	}
	made := strings.Fields(release(dist))
	if len(made) != 7 {
		t.Errorf("made %q; want rpm, deb, tar.gz, SBOM, sums, signature, key", made)
	}
	packed := filepath.Join(dist, "threatconnect-envsvr-9.8.7~rc.1-1.x86_64.rpm")
	public := filepath.Join(dist, "RPM-GPG-KEY-"+packaging.Name)

	must(t, "repo", "--key", key, "--url", "https://packages.example.com/envsvr", dist)
	if out := must(t, "verify", "--key", public, dist); strings.Count(out, "ok  ") != 3 {
		t.Errorf("verify says:\n%s", out)
	}
	db := filepath.Join(dir, "db")
	sh(t, rpm, "--dbpath", db, "--import", public)
	sh(t, rpm, "--dbpath", db, "-K", packed)
	lint(t, db, packed)

	// The programs in the package are what they say, here and there.
	unpacked := filepath.Join(dir, "unpacked")
	sh(t, dpkg, "-x", filepath.Join(dist, "threatconnect-envsvr_9.8.7~rc.1-1_amd64.deb"), unpacked)
	agent := filepath.Join(unpacked, "usr/libexec/threatconnect-envsvr/tcenvsvr")
	var version struct{ Version, Commit string }
	if out := sh(t, agent, "version", "--json"); json.Unmarshal([]byte(out), &version) != nil || version.Version != "9.8.7-rc.1" || version.Commit != "0123456789abcdef" {
		t.Errorf("the program says %s", out)
	}
	bill, err := os.ReadFile(filepath.Join(dist, "threatconnect-envsvr_9.8.7-rc.1_linux_amd64.cdx.json"))
	if err != nil || !bytes.Contains(bill, []byte(`"pkg:golang/stdlib@go1`)) || !bytes.Contains(bill, []byte(`"pkg:golang/github.com/gorilla/websocket@v1`)) || bytes.Contains(bill, []byte("nats-server")) {
		t.Errorf("the SBOM does not tell what is in the programs (%v):\n%s", err, bill)
	}

	// The date of a page is the commit's, or next month's build would differ.
	if text := sh(t, "gzip", "-cd", filepath.Join(unpacked, "usr/share/man/man1/tcenvsvr.1.gz")); !strings.Contains(text, `"Feb 2026"`) {
		t.Errorf("the manual page is not of February 2026:\n%.300s", text)
	}

	for _, file := range []string{"man/man1/tcenvsvr-settings.yaml.1.gz", "doc/threatconnect-envsvr/agent-settings.md"} {
		if _, err := os.Stat(filepath.Join(unpacked, "usr/share", file)); err != nil {
			t.Errorf("the package does not say all that is said: %v", err)
		}
	}

	// Again, elsewhere, on a machine with settings of its own: the same bytes.
	again := filepath.Join(dir, "again")
	t.Setenv("TCENVSVR_HOME", "/srv/elsewhere")
	t.Setenv("SOURCE_DATE_EPOCH", "0")
	release(again)
	for _, file := range made {
		one, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(again, filepath.Base(file)))
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s differs when it is made again (%v)", filepath.Base(file), err)
		}
	}

	// What was changed afterwards is found.
	content, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-50] ^= 1
	if err := os.WriteFile(packed, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if stdout, _, code := tool(t, "verify", "--key", public, dist); code != 1 {
		t.Errorf("verify takes a changed package: exit %d\n%s", code, stdout)
	}
}

// lint lets rpmlint look at a package, with a database of rpm that has the
// key. Nothing may be said but what packaging/testdata/rpmlint.toml explains.
func lint(t *testing.T, db, file string) {
	t.Helper()
	home := t.TempDir()
	// The packager's library writes absolute names into the payload, which rpm ignores and
	// cpio obeys: as root, rpmlint would unpack the package over this host.
	cpio := "#!/bin/sh\nexec " + need.Tool(t, "cpio") + " --no-absolute-filenames \"$@\"\n"
	if err := errors.Join(os.WriteFile(filepath.Join(home, ".rpmmacros"), []byte("%_dbpath "+db+"\n"), 0o600),
		os.WriteFile(filepath.Join(home, "cpio"), []byte(cpio), 0o755)); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(need.Tool(t, "rpmlint"), "--config", "../../packaging/testdata/rpmlint.toml", file)
	c.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C.UTF-8", "PATH="+home+":"+os.Getenv("PATH"))
	out, err := c.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(" 1 packages and 0 specfiles checked; 0 errors, 0 warnings,")) {
		t.Errorf("rpmlint (%v):\n%s", err, out)
	}
}

func TestWrongUse(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TCRELEASE_PASSPHRASE", "")
	t.Setenv("TCRELEASE_KEY", "")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no passphrase":   {[]string{"key", "new", "-o", dir + "/k"}, 2, "TCRELEASE_PASSPHRASE"},
		"no key":          {[]string{"repo", "--url", "https://x", dir}, 2, "--key"},
		"no url":          {[]string{"repo", dir}, 2, "--url"},
		"no public key":   {[]string{"verify", dir}, 2, "--key PUBLIC"},
		"unknown flag":    {[]string{"package", "--passphrase", "x"}, 2, "unknown flag"},
		"unknown release": {[]string{"package", "--unsigned", "--version", "99.0.0", "--commit", "c", "--time", "2026-02-03T04:05:06Z", "--out", dir}, 1, "changelog"},
	} {
		if _, stderr, code := tool(t, c.args...); code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %q; want %d and %q", name, code, stderr, c.code, c.want)
		}
	}
}

// TestGoreleaserDescribesNothing holds that the package is described once:
// goreleaser makes no package itself and its hook is a command line of ours,
// so that files, scripts and metadata are those of TestRelease.
func TestGoreleaserDescribesNothing(t *testing.T) {
	text, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Before struct{ Hooks []string }
		Builds []map[string]any
		Signs  []struct {
			Cmd  string
			Args []string
		}
		NFPMs    any `yaml:"nfpms"`
		Archives any
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if config.NFPMs != nil || config.Archives != nil || len(config.Builds) != 1 || config.Builds[0]["skip"] != true {
		t.Error("it builds or packages by itself")
	}
	if len(config.Before.Hooks) != 1 || len(config.Signs) != 1 {
		t.Fatalf("got hooks %q and signs %v, want one each", config.Before.Hooks, config.Signs)
	}
	snapshot, _, _ := strings.Cut(config.Before.Hooks[0], " {{")
	rest, ok := strings.CutPrefix(snapshot, "go run ./cmd/tcrelease ")
	if !ok {
		t.Fatalf("the hook is %q", config.Before.Hooks[0])
	}
	// It gets as far as the key, which is not there.
	missing := filepath.Join(t.TempDir(), "missing")
	args := append(strings.Fields(rest), "--key", missing, "--commit", "c", "--time", "2026-02-03T04:05:06Z")
	if _, stderr, code := tool(t, args...); code != 1 || !strings.Contains(stderr, missing) {
		t.Errorf("%q: exit %d, %s", args, code, stderr)
	}
	sign := append(config.Signs[0].Args[2:], "--key", missing)
	if _, stderr, code := tool(t, sign...); code != 1 || !strings.Contains(stderr, missing) {
		t.Errorf("%q: exit %d, %s", sign, code, stderr)
	}
}

func sh(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}
