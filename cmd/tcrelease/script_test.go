package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tcenvsvr/test/scripts"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"tcrelease": main}) }

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true, UpdateScripts: os.Getenv("UPDATE") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": scripts.Exits}})
}
