package setup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/become"
	"tcenvsvr/agent/host/setup/interpreter"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// Command returns the group "setup".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("setup", "the Python and Java that Apps run with",
		`Setup finds or installs what Apps run with, proves that it runs, and writes it
into the settings.

  sudo tcenvsvr setup python
  sudo tcenvsvr setup java`,
		pythonCommand(e), javaCommand(e))
}

// sources are where an interpreter and its wheels come from, as given by flags; "" is not given.
type sources struct{ from, wheels string }

func runSetup(c *cobra.Command, e *env.Env, k interpreter.Kind, s sources) error {
	if s.from == "" && s.wheels == "" { // nothing is installed: root has nothing to do
		if err := e.BecomeOwner(); err != nil {
			return err
		}
	}
	if err := checkTrusted(e, k, s); err != nil {
		return err
	}
	p, err := e.Paths()
	if err != nil {
		return err
	}
	home, program, err := locate(c.Context(), e, k, s.from, filepath.Join(p.Home, k.Name))
	if err != nil {
		return err
	}
	if s.from != "" {
		if _, err := interpreter.Share(home); err != nil {
			return err
		}
	}
	if s.wheels != "" {
		n, err := interpreter.Wheels(c.Context(), program, s.wheels)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.Stdout, "installed %d wheels\n", n)
		if s.from != "" {
			if _, err := interpreter.Share(home); err != nil {
				return err
			}
		}
	}
	if _, err := e.AsOwner(c, "settings", "set", k.Setting+"="+home); err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "%s = %s\n", k.Setting, home)
	return nil
}

// locate returns the interpreter's home, which may be its program alone, and its program, after
// proving that it runs. Without from it looks in the usual folders.
func locate(ctx context.Context, e *env.Env, k interpreter.Kind, from, dir string) (home, program string, err error) {
	if from == "" {
		program, err := installed(ctx, e, k)
		return program, program, err
	}
	if from, err = filepath.Abs(from); err != nil {
		return "", "", err
	}
	info, err := os.Stat(from)
	if err != nil {
		return "", "", fmt.Errorf("setting up %s: %w", k.Name, err)
	}
	if !info.IsDir() {
		return k.Install(ctx, from, dir)
	}
	if home, program, err = k.In(from); err != nil {
		return "", "", err
	}
	return home, program, k.Verify(ctx, program)
}

// installed returns the interpreter that Apps would be run with now, if it has the right version, or
// one in the usual folders: the settings may name one that was removed. Root runs nothing that another
// user's settings name: it looks in the usual folders only.
func installed(ctx context.Context, e *env.Env, k interpreter.Kind) (string, error) {
	p, err := e.Paths()
	if err != nil {
		return "", err
	}
	other, err := become.Owner(p.State)
	if err != nil {
		return "", err
	}
	var s settings.Settings
	if other == nil {
		s, err = e.Settings(nil)
	} else {
		s, _, err = settings.Load(settings.Options{Env: e.Environ})
	}
	if err != nil {
		return "", err
	}
	usual := s
	usual.JavaHome, usual.PythonHome311, usual.PythonHome = "", "", ""
	why := fmt.Errorf("there is no %s %s in the usual folders", k.Name, k.Version)
	for _, program := range append(candidates(s, k), candidates(usual, k)...) {
		if why = k.Verify(ctx, program); why == nil {
			return program, nil
		}
	}
	return "", fmt.Errorf("setting up %s: %w\nhint: run \"dnf install %s\", or give --from an archive or a folder", k.Name, why, k.Packages)
}

// candidates are the interpreters that Apps would be run with by these settings.
func candidates(s settings.Settings, k interpreter.Kind) []string {
	java, pythons := parts.Execution(s).Interpreters()
	switch {
	case k.Name != interpreter.Java.Name:
		return pythons
	case java != "":
		return []string{java}
	}
	return nil
}
