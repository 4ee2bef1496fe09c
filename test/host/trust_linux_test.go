package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tcenvsvr/packaging"
	"tcenvsvr/packaging/pgp"
)

// TestOnlyOursIsInstalled offers dnf what is not from us.
func TestOnlyOursIsInstalled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	stranger, err := pgp.New("Stranger", "stranger@example.com", time.Unix(1_700_000_000, 0))
	must(t, err, "making a stranger's key")

	cases := []struct {
		name  string
		words []string
		spoil func(t *testing.T, repo string)
	}{
		{"unsigned package", []string{"not signed"}, func(t *testing.T, repo string) { s.counterfeit(t, repo, nil) }},
		{"package of another key", []string{"GPG"}, func(t *testing.T, repo string) { s.counterfeit(t, repo, stranger) }},
		{"a byte changed in the package", []string{""}, func(t *testing.T, repo string) {
			flip(t, filepath.Join(repo, rpmName(older)))
		}},
		{"a byte changed in the index", []string{"GPG"}, func(t *testing.T, repo string) {
			flip(t, filepath.Join(repo, "repodata/repomd.xml"))
		}},
		{"no signature of the index", []string{"GPG"}, func(t *testing.T, repo string) {
			must(t, os.Remove(filepath.Join(repo, "repodata/repomd.xml.asc")), "removing the signature")
		}},
	}
	pristine := filepath.Join(s.Share, "repo")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := s.as(t)
			must(t, os.RemoveAll(pristine), "removing the repository")
			must(t, os.CopyFS(pristine, os.DirFS(s.release.repo)), "publishing the packages")
			c.spoil(t, pristine)
			s.Run("dnf", "-q", "clean", "all") // an index of this same second would not be looked at again
			s.Refused(c.words, "dnf", "-y", "install", nevra(older))
			if out, err := s.Try("rpm", "-q", product); err == nil {
				t.Fatalf("it is installed: %s", out)
			}
			if _, err := s.Try("getent", "passwd", "tc-job"); err == nil {
				t.Error("a script of the refused package ran")
			}
		})
	}
}

// counterfeit puts a package of our name and version, by our description but with another's key or
// none, into the repository, whose index is right and ours.
func (s *site) counterfeit(t *testing.T, repo string, key *pgp.Key) {
	t.Helper()
	stage := t.TempDir()
	must(t, packaging.Stage(stage), "staging")
	for _, name := range []string{"tcenvsvr", "tcenvsvr-shim", "man/tcenvsvr.1.gz", "completions/bash", "completions/zsh", "completions/fish", "README.md", "docs/updater.md", "LICENSE"} {
		file := filepath.Join(stage, name)
		must(t, errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755)), "staging "+name)
	}
	b := &packaging.Build{Version: older, Arch: runtime.GOARCH, Time: time.Unix(1_700_000_000, 0), Stage: stage}
	if key != nil {
		b.Signer = key
	}
	out, err := os.Create(filepath.Join(repo, rpmName(older)))
	must(t, err, "making the package")
	must(t, errors.Join(b.RPM(out), out.Close()), "making the package")
	s.index(t, repo)
}

// index is what the maintainers do after they add a package.
func (s *site) index(t *testing.T, repo string) {
	t.Helper()
	tool := filepath.Join(filepath.Dir(s.release.repo), "tcrelease")
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), tool, "repo", "--key", s.release.key, "--url", "file:///share/repo", repo)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("indexing: %v: %s", err, strings.TrimSpace(string(out)))
	}
}

// flip changes one byte in the middle of a file.
func flip(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err, "reading "+file)
	data[len(data)/2] ^= 1
	must(t, os.WriteFile(file, data, 0o644), "writing "+file)
}
