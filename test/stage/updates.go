package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// BuiltVersion is that of every agent a stage builds. It is in no other text of the program, so
// that a copy with another version of the same length is the next release, without another build.
const BuiltVersion = "1.0.0-stage.7351"

// NextVersion is one of the length of BuiltVersion.
const NextVersion = "1.1.0-stage.7351"

// versionFlag has the linker put BuiltVersion into the agent.
const versionFlag = "-ldflags=-X tcenvsvr/cmd/tcenvsvr/internal/build.version=" + BuiltVersion

// Releasable reports whether [Stage.Release] can make releases of a program: a stage has built it.
func Releasable(program string) bool {
	data, err := os.ReadFile(program)
	return err == nil && bytes.Contains(data, []byte(BuiltVersion))
}

// Release copies the agent to file as another version.
func (s *Stage) Release(ctx context.Context, version, file string) error {
	program, err := os.ReadFile(s.AgentBin)
	if err != nil {
		return fmt.Errorf("making release %s: %w", version, err)
	}
	if len(version) != len(BuiltVersion) || !bytes.Contains(program, []byte(BuiltVersion)) {
		return fmt.Errorf("making release %s: %q is no agent of a stage (%s), or the version has another length", version, s.AgentBin, BuiltVersion)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(program, []byte(BuiltVersion), []byte(version)), 0o755); err != nil {
		return fmt.Errorf("making release %s: %w", version, err)
	}
	if runtime.GOOS == "darwin" { // which runs nothing that was changed after it was signed
		_, err = Command(ctx, nil, "codesign", "--force", "--sign", "-", file)
	}
	return err
}

// Updates is an update repository of which a cloud gets releases.
type Updates struct {
	cloud *Cloud
	repo  *repository.Repository
	keys  []repository.Key
}

// NewUpdates makes a repository and has the agent's program trust it. Agents must be started by
// Launch.
func (c *Cloud) NewUpdates() (*Updates, error) {
	dir := filepath.Join(c.stage.Dir, "update-repo")
	keys := filepath.Join(c.stage.Dir, "update-keys")
	repo, err := repository.Init(dir, keys, repository.Offline{Keys: 3, Threshold: 2})
	if err != nil {
		return nil, err
	}
	u := &Updates{cloud: c, repo: repo}
	if u.keys, err = repository.ReadKeys(keys); err != nil {
		return nil, err
	}
	root, err := repo.Root()
	if err != nil {
		return nil, err
	}
	return u, os.WriteFile(filepath.Join(filepath.Dir(c.stage.AgentBin), "root.json"), root, 0o644)
}

// Publish signs a program as a release, with deltas from olds, and gives it to the cloud.
func (u *Updates) Publish(ctx context.Context, version, program string, olds ...string) (release.Release, error) {
	rel, err := u.repo.Add(program, release.Release{Version: version, OS: runtime.GOOS, Arch: runtime.GOARCH}, olds...)
	if err != nil {
		return rel, err
	}
	if missing, err := u.repo.Sign(u.keys); err != nil || len(missing) > 0 {
		return rel, fmt.Errorf("signing release %s: %v lack signatures: %w", version, missing, err)
	}
	file := filepath.Join(u.cloud.stage.Dir, "update-"+version+".zip")
	f, err := os.Create(file)
	if err != nil {
		return rel, err
	}
	err = u.repo.Bundle(ctx, f, version)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		_, err = u.cloud.Do(ctx, "release", "add", file)
	}
	return rel, err
}

// Launch starts the agent as one that updates itself.
func (a *Agent) Launch(flags ...string) error {
	args := append([]string{"launch", "--home", a.Home}, a.stage.AgentFlags...)
	p, err := Start(a.Home+".log", nil, a.stage.AgentBin, append(args, flags...)...)
	a.Process = p
	return err
}

// Updating is the part of `tcenvsvr update status --json` that tests look at.
type Updating struct {
	Root struct {
		Phase    string `json:"phase"`
		Active   string `json:"active"`
		Selected struct {
			Version string `json:"version"`
		} `json:"selected"`
		Bad []struct {
			Version string `json:"version"`
			Class   string `json:"class"`
		} `json:"bad"`
	} `json:"root"`
	Agent struct {
		Phase    string `json:"phase"`
		Download string `json:"download"`
		Error    string `json:"error"`
	} `json:"agent"`
}

// Updating asks how an update stands.
func (a *Agent) Updating(ctx context.Context) (Updating, error) {
	var s Updating
	text, err := a.Do(ctx, "update", "status", "--json")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// Updated waits until a version runs and has proved itself.
func (a *Agent) Updated(ctx context.Context, version string) error {
	return Eventually(ctx, func() error {
		s, err := a.Updating(ctx)
		if err == nil && (s.Root.Active != version || s.Root.Phase != "good") {
			err = fmt.Errorf("%s is active, %s %s; the agent: %s %s", s.Root.Active, s.Root.Selected.Version, s.Root.Phase, s.Agent.Phase, s.Agent.Error)
		}
		return err
	})
}
