package compile

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const module = "tcenvsvr"

// A Target is what is built, from where.
type Target struct {
	Source          string // folder of the module
	Version, Commit string
	Time            time.Time // of the commit; zero = not known
	OS, Arch        string
}

// programs are the main packages of the release, in the order of building.
var programs = []string{"tcenvsvr", "tcenvsvr-shim"}

// Programs builds both programs into folder.
func Programs(ctx context.Context, t Target, folder string) error {
	suffix := ""
	if t.OS == "windows" {
		suffix = ".exe"
	}
	const build = module + "/cmd/tcenvsvr/internal/build"
	flags := fmt.Sprintf("-s -w -buildid= -X %s.version=%s -X %s.commit=%s", build, t.Version, build, t.Commit)
	if !t.Time.IsZero() { // no clock on a host may be behind it
		flags += fmt.Sprintf(" -X %s.date=%s", build, t.Time.UTC().Format(time.RFC3339))
	}
	for _, name := range programs {
		c := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags="+flags,
			"-o", filepath.Join(folder, name+suffix), "./cmd/"+name)
		c.Dir = t.Source
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOOS="+t.OS, "GOARCH="+t.Arch, "GOAMD64=v1", "GOARM64=v8.0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s for %s/%s: %w\n%s", name, t.OS, t.Arch, err, out)
		}
	}
	return nil
}

// Documents asks the program for its manual pages and completions, which come from the same tree of
// commands as its help. program must run here, and sees nothing of this machine: a page has a date,
// and defaults that the environment can set.
func Documents(ctx context.Context, program, folder string, at time.Time) error {
	pages := filepath.Join(folder, "man")
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=/", "LC_ALL=C", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", at.Unix())}
	if _, err := run(ctx, env, program, "man", pages); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(pages, "*.1"))
	if err != nil {
		return err
	}
	for _, page := range found {
		if err := pack(page); err != nil {
			return fmt.Errorf("packing %q: %w", page, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, "completions"), 0o755); err != nil {
		return err
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := run(ctx, env, program, "completion", shell)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "completions", shell), script, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pack replaces a page by its gzip, without time and name.
func pack(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.WriteFile(page+".gz", out.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Remove(page)
}

// run returns what a program prints; its environment is this one's where env is nil.
func run(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = env
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("running %s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, &stderr)
	}
	return out, nil
}

// Here is t for this machine.
func Here(t Target) Target {
	t.OS, t.Arch = runtime.GOOS, runtime.GOARCH
	return t
}
