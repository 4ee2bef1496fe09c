package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tcenvsvr/agent/app/api/upstream/upstreamtest"
	"tcenvsvr/agent/job"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/scripts"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tcenvsvr": main, job.ShimName: main})
}

func TestScript(t *testing.T) {
	need.Python(t)
	platform := upstreamtest.New(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TCENVSVR_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("HOME", e.WorkDir)
			platform.Files(e.WorkDir) // platform-ca.pem and platform-credentials
			e.Setenv("PLATFORM", platform.URL())
			return policyFolder(e)
		},
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			return os.Getuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"buildapp": buildApp, "exits": scripts.Exits, "stranger": stranger},
	})
}

// policyFolder makes POLICYDIR, a folder that root alone can write, up to the top, and has the programs
// look for their policy there, not in this machine's /etc.
func policyFolder(e *testscript.Env) error {
	dir := filepath.Join(e.WorkDir, "policy")
	if os.Getuid() == 0 && runtime.GOOS == "linux" {
		made, err := os.MkdirTemp("/run", "tc-policy-")
		if err != nil {
			return err
		}
		e.Defer(func() { _ = os.RemoveAll(made) })
		if err := os.Chmod(made, 0o755); err != nil {
			return err
		}
		dir = made
	}
	e.Setenv("POLICYDIR", dir)
	e.Setenv("TCENVSVR_POLICY", filepath.Join(dir, "policy.yaml"))
	return nil
}

// buildApp packs test Apps into the current folder: buildapp NAME…
func buildApp(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		if _, err := apps.Build(name, ts.MkAbs(".")); err != nil {
			ts.Fatalf("building App %s: %v", name, err)
		}
	}
}

// stranger runs a program as a user who owns nothing here: stranger CODE PROGRAM ARG….
func stranger(ts *testscript.TestScript, _ bool, args []string) {
	if os.Getuid() != 0 {
		ts.Check(os.Chmod(ts.MkAbs("home/.tcenvsvr"), 0)) // of our own: the owner may not either
		scripts.Exits(ts, false, args)
		return
	}
	for dir := ts.MkAbs("."); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		ts.Check(os.Chmod(dir, 0o755)) // those of the test; he has to come that far
	}
	scripts.Exits(ts, false, append([]string{args[0], "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"}, args[1:]...))
}
