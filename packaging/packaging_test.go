package packaging

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/packaging/pgp"
	"tcenvsvr/test/need"
)

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

var key = sync.OnceValues(func() (*pgp.Key, error) { return pgp.New("Packages", "packages@example.com", now) })

// build is a package whose programs are two lines of shell: what is tested here does not depend on
// them. cmd/tcrelease packages the real ones.
func build(t *testing.T) *Build {
	t.Helper()
	stage := t.TempDir()
	if err := Stage(stage); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tcenvsvr", "tcenvsvr-shim", "man/tcenvsvr.1.gz", "man/tcenvsvr-run.1.gz",
		"completions/bash", "completions/zsh", "completions/fish", "README.md", "docs/updater.md", "LICENSE"} {
		file := filepath.Join(stage, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("#!/bin/sh\n# "+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k, err := key()
	if err != nil {
		t.Fatal(err)
	}
	return &Build{Version: "1.2.3-rc.1", Arch: "amd64", Time: now, Stage: stage, Signer: k}
}

// all are the packages for Linux.
func (b *Build) all() map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{"rpm": b.RPM, "deb": b.Deb, "tar": b.Tar}
}

func write(t *testing.T, name string, fill func(io.Writer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := fill(&out); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// golden compares with a file, which UPDATE=1 writes.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); UPDATE=1 accepts it:\n%s", file, diff)
	}
}

// TestRPM pins what rpm itself reads out of the package: the promise to hosts.
func TestRPM(t *testing.T) {
	rpm := need.Tool(t, "rpm")
	b := build(t)
	if got, want := b.RPMName(), "threatconnect-envsvr-1.2.3~rc.1-1.x86_64.rpm"; got != want {
		t.Errorf("got the name %q, want %q", got, want)
	}
	file := write(t, b.RPMName(), b.RPM)
	query := func(format string) string { return command(t, rpm, "-qp", "--nosignature", "--qf", format, file) }
	golden(t, "rpm.golden", query("%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{LICENSE} %{PAYLOADCOMPRESSOR} %{BUILDHOST} %{BUILDTIME:date}\n")+
		query("[requires %{REQUIRENAME}\n]")+query("[recommends %{RECOMMENDNAME}\n]")+
		query("[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS:fflags} %{FILENAMES} %{FILELINKTOS}\n]"))
	for tag, script := range map[string]string{"PREIN": "preinstall", "POSTIN": "postinstall", "PREUN": "preremove", "POSTUN": "postremove", "POSTTRANS": "posttrans"} {
		want, err := os.ReadFile("scripts/" + script + ".sh")
		if err != nil {
			t.Fatal(err)
		}
		if got := query("%{" + tag + "}"); got != string(want) {
			t.Errorf("%s is not scripts/%s.sh but:\n%s", tag, script, got)
		}
	}
	if got := query("[%{CHANGELOGTEXT}\n]"); !strings.Contains(got, "- ") {
		t.Errorf("no changelog: %q", got)
	}
}

func TestDebHasTheSameFiles(t *testing.T) {
	dpkg := need.Tool(t, "dpkg-deb")
	b := build(t)
	file := write(t, b.DebName(), b.Deb)
	listed := map[string]string{}
	for line := range strings.Lines(command(t, dpkg, "-c", file)) {
		f := strings.Fields(line)
		listed[strings.TrimSuffix(strings.TrimPrefix(f[5], "."), "/")] = f[0] + " " + f[1]
	}
	entries, err := Files(b.Stage)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range entries {
		mode := f.Mode.Perm().String()[1:]
		if f.Mode&0o2000 != 0 {
			mode = mode[:5] + "s" + mode[6:]
		}
		kind := map[Kind]string{Dir: "d", Link: "l"}[f.Kind]
		if kind == "" {
			kind = "-"
		}
		if f.Kind == Link {
			mode = "rwxrwxrwx"
		}
		want := kind + mode + " " + f.Owner + "/" + f.Owner
		if got := listed[f.Path]; got != want {
			t.Errorf("%s: got %q, want %q", f.Path, got, want)
		}
	}
	for script, part := range map[string]string{"preinst": "useradd", "postinst": "try-restart", "prerm": "host remove", "postrm": "daemon-reload"} {
		if text := command(t, dpkg, "-I", file, script); !strings.Contains(text, part) || strings.Count(text, "exit 0\n") > 2 {
			t.Errorf("%s:\n%s", script, text)
		}
	}
}

func TestSameBuildSameBytes(t *testing.T) {
	one, two := build(t), build(t) // two folders, two times of day
	again := two.all()
	for name, fill := range one.all() {
		var a, b bytes.Buffer
		if err := fill(&a); err != nil {
			t.Fatal(err)
		}
		if err := again[name](&b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s differs between two builds", name)
		}
	}
}

// TestOnlyOurPackagesAreTaken asks rpm and our own check about the same files.
func TestOnlyOurPackagesAreTaken(t *testing.T) {
	rpm := need.Tool(t, "rpm")
	b := build(t)
	k := b.Signer.(*pgp.Key)
	public, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pgp.ReadPublic(bytes.NewReader(public))
	if err != nil {
		t.Fatal(err)
	}
	publicFile := write(t, "key", func(w io.Writer) error { _, err := w.Write(public); return err })
	db := t.TempDir()
	command(t, rpm, "--dbpath", db, "--import", publicFile)

	good := write(t, "good.rpm", b.RPM)
	out := command(t, rpm, "--dbpath", db, "-Kv", good)
	if strings.Count(out, "RSA/SHA512 Signature") != 2 || strings.Count(out, "SHA256 digest: OK") != 2 || strings.Contains(out, "MD5") || strings.Contains(out, "SHA1 ") {
		t.Errorf("rpm says:\n%s", out)
	}
	if err := CheckRPM(good, keys); err != nil {
		t.Error(err)
	}

	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(at int) func(io.Writer) error {
		return func(w io.Writer) error {
			bad := bytes.Clone(content)
			bad[at] ^= 1
			_, err := w.Write(bad)
			return err
		}
	}
	unsigned, foreign := *b, *b
	unsigned.Signer = nil
	other, err := pgp.New("Somebody", "else@example.com", now)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Signer = other
	for name, fill := range map[string]func(io.Writer) error{
		"payload":  flipped(len(content) - 100),
		"header":   flipped(bytes.Index(content, []byte("useradd"))),
		"cut":      func(w io.Writer) error { _, err := w.Write(content[:len(content)-1]); return err },
		"unsigned": unsigned.RPM,
		"foreign":  foreign.RPM,
	} {
		bad := write(t, name+".rpm", fill)
		// Without a signature rpm -K is content; that dnf is not shows the test host.
		if out, err := exec.Command(rpm, "--dbpath", db, "-K", "--define", "_pkgverify_level all", bad).CombinedOutput(); err == nil && name != "unsigned" {
			t.Errorf("rpm takes the package %s:\n%s", name, out)
		}
		if err := CheckRPM(bad, keys); err == nil {
			t.Errorf("our check takes the package %s", name)
		}
	}
}

func TestCheckRPMKnowsTheLayout(t *testing.T) {
	b := build(t)
	public, err := b.Signer.(*pgp.Key).Public()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pgp.ReadPublic(bytes.NewReader(public))
	if err != nil {
		t.Fatal(err)
	}
	old := contents
	t.Cleanup(func() { contents = old })
	contents = append([]File{{Path: "/usr/bin/stranger", Mode: 0o4755, From: "tcenvsvr"}}, old[1:]...)
	contents[1].Mode = 0o777
	file := write(t, "odd.rpm", b.RPM)
	contents = old
	err = CheckRPM(file, keys)
	for _, want := range []string{"/usr/bin/stranger does not belong", old[0].Path + " is missing", old[1].Path + " has mode 0777, want 0755"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

func TestReleasedIsAVersion(t *testing.T) {
	v, err := Released()
	if err != nil || strings.Count(v, ".") != 2 || Prerelease(v) {
		t.Errorf("got %q, %v; want the version of a release", v, err)
	}
}
