package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/settings"
	"tcenvsvr/agent/wire"
	"tcenvsvr/cmd/tcenvsvr/internal/local"
)

func (e *env) app() *cobra.Command {
	c := &cobra.Command{
		Use:   "app",
		Short: "run Apps without a cloud",
		Long:  "App is for developers of Apps.\n\n  tcenvsvr app run my_app.tcx --param name=value\n\n" + exitCodesHelp(),
	}
	c.AddCommand(e.appRun())
	return c
}

type appRunFlags struct {
	params       []string
	paramFile    string
	out          string
	outVariables []string
	timeout      time.Duration
	asJSON       bool
}

func (e *env) appRun() *cobra.Command {
	var f appRunFlags
	c := &cobra.Command{
		Use:   "run APP.tcx",
		Short: "run an App here exactly as an order would",
		Long: `Run unpacks the App, gives it the parameters, a key-value store and an API as an
order would, shows what it prints, and says how it ended: exit code 0 if it succeeded, 1
otherwise. No cloud and no enrolment are needed; interpreters and proxies come from
the settings of --home if there are any.

Values in --param are visible to other users of this host in the list of processes;
name=@FILE and --param-file keep them out of it.

  tcenvsvr app run my_app.tcx --param indicator=1.2.3.4
  tcenvsvr app run my_app.tcx --param-file params.json --out-variable '#App:1:result!String' --out /tmp/result

` + exitCodesHelp(),
		Args: exactly(1, "the App's file"),
	}
	c.Flags().StringArrayVar(&f.params, "param", nil, "parameter as name=value or name=@FILE; repeatable")
	c.Flags().StringVar(&f.paramFile, "param-file", "", "JSON object with parameters")
	c.Flags().StringVar(&f.out, "out", "", "folder that keeps out/ and log/ of the run (default: thrown away)")
	c.Flags().StringArrayVar(&f.outVariables, "out-variable", nil, "Playbook variable to write, e.g. '#App:1:result!String'; repeatable")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "end the App after so long (default: setting appsDefaultTimeoutSeconds)")
	c.Flags().BoolVar(&f.asJSON, "json", false, "answer in JSON; what the App prints goes to stderr")
	overrides := settingFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		run, err := e.localRun(args[0], f, overrides())
		if err != nil {
			return err
		}
		result, err := run.Do(c.Context())
		if err != nil {
			return err
		}
		return e.printOutcome(result, f.asJSON)
	}
	return c
}

func (e *env) localRun(file string, f appRunFlags, overrides map[string]string) (*local.Run, error) {
	params, err := readParams(f.paramFile, f.params)
	if err != nil {
		return nil, err
	}
	s, err := e.settings(overrides)
	if err != nil {
		return nil, err
	}
	stdout := e.stdout
	if f.asJSON {
		stdout = e.stderr
	}
	return &local.Run{
		File: file, Params: params, OutVariables: f.outVariables, Out: f.out, Timeout: f.timeout,
		Settings: s, Path: lookupEnv(e.environ, "PATH"), Stdout: stdout, Stderr: e.stderr,
	}, nil
}

// settings loads what there is; nothing has to be there.
func (e *env) settings(overrides map[string]string) (settings.Settings, error) {
	p, err := e.paths()
	if err != nil {
		return settings.Settings{}, err
	}
	s, _, err := settings.Load(settings.Options{File: p.Settings, Env: e.environ, Overrides: overrides})
	if errors.Is(err, os.ErrPermission) { // a developer on a host whose agent is not his
		s, _, err = settings.Load(settings.Options{Env: e.environ, Overrides: overrides})
	}
	if err == nil {
		err = s.Check()
	}
	return s, err
}

// readParams merges a JSON file and name=value pairs; the pairs win.
func readParams(file string, pairs []string) (map[string]string, error) {
	params := map[string]string{}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading parameters: %w", err)
		}
		var raw map[string]any
		if err := json.Unmarshal(data, &raw); err != nil {
			return nil, fmt.Errorf("reading parameters %q: not a JSON object", file) // quotes no value
		}
		for name, value := range raw {
			if text, ok := value.(string); ok {
				params[name] = text
				continue
			}
			text, err := json.Marshal(value)
			if err != nil {
				return nil, fmt.Errorf("reading parameter %q: %w", name, err)
			}
			params[name] = string(text)
		}
	}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--param %q is not name=value", name)}
		}
		if from, isFile := strings.CutPrefix(value, "@"); isFile {
			data, err := os.ReadFile(from)
			if err != nil {
				return nil, fmt.Errorf("reading parameter %q: %w", name, err)
			}
			value = strings.TrimSuffix(string(data), "\n")
		}
		params[name] = value
	}
	return params, nil
}

func (e *env) printOutcome(r local.Result, asJSON bool) error {
	if asJSON {
		if err := e.printJSON(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.stderr, "%s: exit code %d after %s", r.Outcome, r.ExitCode, time.Duration(r.RunMS)*time.Millisecond)
		if r.Message != "" {
			fmt.Fprintf(e.stderr, ": %s", r.Message)
		}
		fmt.Fprintln(e.stderr)
		for _, name := range sortedKeys(r.Results) {
			fmt.Fprintf(e.stdout, "result %s = %s\n", name, r.Results[name])
		}
		for _, name := range sortedKeys(r.Variables) {
			fmt.Fprintf(e.stdout, "variable %s = %s\n", name, r.Variables[name])
		}
		for _, file := range r.Files {
			fmt.Fprintf(e.stdout, "file %s\n", file)
		}
	}
	if r.Outcome != wire.Succeeded {
		return appFailed{r}
	}
	return nil
}

// appFailed makes exit code 1 without saying twice what was printed.
type appFailed struct{ local.Result }

func (f appFailed) Error() string { return fmt.Sprintf("the App %s", f.Outcome) }
