package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	program "tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// Releases that machines update themselves to. The first one works.
const (
	good      = "0.9.2"
	crashes   = "0.9.3" // as soon as it is started
	hangs     = "0.9.4" // and is never ready
	sick      = "0.9.5" // ready, and never healthy
	unwelcome = "0.9.6" // fails where it is started; for pins and rollbacks
)

// updates is the update repository of a release, in dir: with keys of which two of three must sign,
// and programs that the maintainers would never publish.
type updates struct{ dir string }

func (u updates) repository() string { return filepath.Join(u.dir, "updates") }
func (u updates) keys() string       { return filepath.Join(u.dir, "update-keys") }
func (u updates) root() string       { return filepath.Join(u.dir, "root.json") }

// create makes it without releases: packages want its root of trust.
func (u updates) create() error {
	r, err := repository.Init(u.repository(), u.keys(), repository.Offline{Keys: 3, Threshold: 2})
	if err != nil {
		return err
	}
	root, err := r.Root()
	return errors.Join(err, os.WriteFile(u.root(), root, 0o644))
}

// fill builds and signs the releases.
func (u updates) fill(source string) error {
	r, err := repository.Open(u.repository())
	if err != nil {
		return err
	}
	for version, does := range map[string]string{good: "", crashes: "crash", hangs: "hang", sick: "sick", unwelcome: "crash"} {
		folder, variable := filepath.Join(source, "test/host/testdata/broken"), "main.does="+does
		if does == "" {
			folder, variable = source, "tcenvsvr/cmd/tcenvsvr/internal/build.version="+version
		}
		file := filepath.Join(u.dir, "program-"+version)
		build := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-trimpath",
			"-ldflags=-s -w -buildid="+version+" -X "+variable, "-o", file, "./cmd/tcenvsvr")
		build.Dir = folder
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building release %s: %w: %s", version, err, out)
		}
		if _, err := r.Add(file, program.Release{Version: version, OS: runtime.GOOS, Arch: runtime.GOARCH}); err != nil {
			return err
		}
	}
	keys, err := repository.ReadKeys(u.keys())
	if err != nil {
		return err
	}
	missing, err := r.Sign(keys)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("signatures are missing: %v", missing)
	}
	return err
}

// bundle is what a cloud is given, with signatures of today.
func (u updates) bundle(ctx context.Context) ([]byte, error) {
	r, err := repository.Open(u.repository())
	if err != nil {
		return nil, err
	}
	keys, err := repository.ReadKeys(u.keys())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = errors.Join(r.Refresh(keys), r.Bundle(ctx, &out))
	return out.Bytes(), err
}
