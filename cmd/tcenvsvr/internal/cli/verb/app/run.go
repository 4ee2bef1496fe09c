package app

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/wire"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/local"
)

type runFlags struct {
	params       []string
	paramFile    string
	out          string
	outVariables []string
	timeout      time.Duration
	asJSON       bool
}

func run(e *verb.Env) *cobra.Command {
	var f runFlags
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
  tcenvsvr app run my_app.tcx --param-file params.json --out-variable '#App:1:result!String' --out /tmp/result`,
		Args: verb.Exactly(1, "the App's file"),
	}
	c.Flags().StringArrayVar(&f.params, "param", nil, "parameter as name=value or name=@FILE; repeatable")
	c.Flags().StringVar(&f.paramFile, "param-file", "", "JSON object with parameters")
	c.Flags().StringVar(&f.out, "out", "", "folder that keeps out/ and log/ of the run (default: thrown away)")
	c.Flags().StringArrayVar(&f.outVariables, "out-variable", nil, "Playbook variable to write, e.g. '#App:1:result!String'; repeatable")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "end the App after so long (default: setting appsDefaultTimeoutSeconds)")
	c.Flags().BoolVar(&f.asJSON, "json", false, "answer in JSON; what the App prints goes to stderr")
	overrides := verb.SettingFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := localRun(e, args[0], f, overrides())
		if err != nil {
			return err
		}
		result, err := r.Do(c.Context())
		if err != nil {
			return err
		}
		return printOutcome(e, result, f.asJSON)
	}
	return c
}

func localRun(e *verb.Env, file string, f runFlags, overrides map[string]string) (*local.Run, error) {
	params, err := readParams(f.paramFile, f.params)
	if err != nil {
		return nil, err
	}
	s, err := e.Settings(overrides)
	if err != nil {
		return nil, err
	}
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	stdout := e.Stdout
	if f.asJSON {
		stdout = e.Stderr
	}
	return &local.Run{
		File: file, Params: params, OutVariables: f.outVariables, Out: f.out, Timeout: f.timeout,
		Settings: s, Home: p, Path: e.Getenv("PATH"), Stdout: stdout, Stderr: e.Stderr,
	}, nil
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
			return nil, verb.Usage("--param %q is not name=value", name)
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

func printOutcome(e *verb.Env, r local.Result, asJSON bool) error {
	if asJSON {
		if err := e.PrintJSON(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.Stderr, "%s: exit code %d after %s", r.Outcome, r.ExitCode, time.Duration(r.RunMS)*time.Millisecond)
		if r.Message != "" {
			fmt.Fprintf(e.Stderr, ": %s", r.Message)
		}
		fmt.Fprintln(e.Stderr)
		for _, name := range verb.SortedKeys(r.Results) {
			fmt.Fprintf(e.Stdout, "result %s = %s\n", name, r.Results[name])
		}
		for _, name := range verb.SortedKeys(r.Variables) {
			fmt.Fprintf(e.Stdout, "variable %s = %s\n", name, r.Variables[name])
		}
		for _, file := range r.Files {
			fmt.Fprintf(e.Stdout, "file %s\n", file)
		}
	}
	if r.Outcome != wire.Succeeded {
		return fmt.Errorf("the App %s: %w", r.Outcome, verb.ErrTold)
	}
	return nil
}
