package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

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
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TCENVSVR_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"buildapp": buildApp, "exits": scripts.Exits, "stranger": stranger},
	})
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
