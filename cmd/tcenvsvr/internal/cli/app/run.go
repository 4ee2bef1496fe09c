package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/internal/platform"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/local"
)

type runFlags struct {
	inputs       inputs.Flags
	variables    []string
	out          string
	outVariables []string
	jobState     string
	timeout      time.Duration
	noSandbox    bool
	platform     platform.Flags
	asJSON       bool
}

func runCommand(e *env.Env) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run APP.tcx",
		Short: "run an App here exactly as an order would",
		Long: `Run unpacks the App, gives it the parameters, a key-value store and an API as an
order would, shows what it prints, and says how it ended: exit code 0 if it succeeded, 1
otherwise. No cloud and no enrollment are needed; sandbox user, interpreters and proxies
come from the settings of --home if there are any.

It runs as the sandbox user, so the caller must be allowed to become that user: the agent's
user and root are. On a machine without a sandbox --no-sandbox runs it as yourself.
The first line, on stderr, says as whom it runs. It ends with this command, however that ends.

The App of a service runs until Ctrl-C, which shuts it down as the cloud would. Parameters that
install.json does not call serviceConfig configure one trigger, what it fires is printed, and a
curl that configures another one, by a socket for you alone. An API or a webhook has an HTTP
entry on this host, which every user of the host can reach; a curl for it is printed.

With --platform, what the App asks of ThreatConnect is passed on to that instance by this
command, with credentials that the App does not see: TC_API_ACCESS_ID and TC_API_SECRET_KEY,
or TC_TOKEN, from --platform-credentials or the environment. The requests are listed at the
end. Private CAs of the home count, and its proxy where proxyTC is true. An App without a
sandbox may read whatever you may, your environment too.

With --job-state an Organization App finds what its last run that succeeded left in
results.tc (last_run, say) as its parameters, as in a Job of a cloud, where it also wins
over what is given. The file is made by the first run, in a folder where whoever runs the
App can write; remove it to begin anew.

What is on the command line is visible to other users of this host in the list of processes;
NAME=@FILE, --param-file and --kv-file keep values out of it.

  tcenvsvr app run my_app.tcx --param indicator=1.2.3.4 --no-sandbox
  tcenvsvr app run my_app.tcx --param-file params.json --kv '#App:1:in!String=hello' --out /tmp/result
  tcenvsvr app run my_feed.tcx --platform https://company.threatconnect.com --platform-credentials FILE
  tcenvsvr app run my_app.tcx --param 'password=&{TC:KEYCHAIN:9f1c}' --variable TC/9f1c=@password.txt
  tcenvsvr app run my_trigger.tcx --param interval=5 --no-sandbox
  tcenvsvr app run my_feed.tcx --param-file params.json --job-state my_feed.json --no-sandbox`,
		Args: cli.Exactly(1, "the App's file"),
	}
	c.Flags().StringArrayVarP(&f.inputs.Params, "param", "p", nil, "a parameter, NAME=VALUE or NAME=@FILE (VALUE is visible in ps; @@ is a literal @)")
	c.Flags().StringVar(&f.inputs.ParamFile, "param-file", "", "JSON object of parameters, - is stdin; --param wins")
	c.Flags().StringArrayVar(&f.inputs.KV, "kv", nil, "Playbook variable to set before, NAME=JSON or NAME=@FILE; what is no JSON becomes a string")
	c.Flags().StringVar(&f.inputs.KVFile, "kv-file", "", "JSON object of Playbook variables, - is stdin; --kv wins")
	c.Flags().StringArrayVar(&f.variables, "variable", nil, "runtime variable that parameters name as &{SOURCE:TYPE:ID}, SOURCE/ID=VALUE or SOURCE/ID=@FILE; that of a FILE is base64")
	c.Flags().StringVar(&f.out, "out", "", "folder that keeps out/ and log/ of the run (default: thrown away)")
	c.Flags().StringArrayVar(&f.outVariables, "out-variable", nil, "Playbook variable the App shall write, default all it declares as #App:1:NAME!TYPE")
	c.Flags().StringVar(&f.jobState, "job-state", "", "file that keeps what a run left in results.tc for the next one, a JSON object")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "end the App after so long (default: the App's own, or setting appsDefaultTimeoutSeconds; a service has none)")
	c.Flags().BoolVar(&f.noSandbox, "no-sandbox", false, "run the App as yourself, with all that you may do")
	f.platform.Add(c.Flags(), "that the App's requests are passed on to, https://host[/api]")
	c.Flags().BoolVar(&f.asJSON, "json", false, "answer in JSON; what the App prints goes to stderr")
	overrides := env.SettingFlags(c)
	e.Reads(c, func(args []string) []string {
		return slices.Concat(args, f.inputs.Files(), inputs.Files(f.variables), f.platform.Files())
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := localRun(c.Context(), e, args[0], f, overrides())
		if err != nil {
			return err
		}
		defer r.File.Close()
		result, err := r.Do(c.Context())
		if result.Outcome != "" {
			if err := printOutcome(e, result, f.asJSON); err != nil {
				return err
			}
		}
		switch {
		case err != nil:
			return err
		case c.Context().Err() != nil: // a signal ended this command, and the App with it
			return fmt.Errorf("%w: %w", cli.ErrReported, context.Canceled)
		case result.Outcome != wire.Succeeded:
			return fmt.Errorf("the App %s: %w", result.Outcome, cli.ErrReported)
		}
		return nil
	}
	return c
}

// localRun collects what the App gets: inputs, variables, settings and streams.
func localRun(ctx context.Context, e *env.Env, file string, f runFlags, overrides map[string]string) (*local.Run, error) {
	if f.timeout < 0 {
		return nil, cli.Usage("app run: --timeout %s is negative", f.timeout)
	}
	from := inputs.Source{Stdin: e.Stdin, Open: e.Open}
	given, err := f.inputs.Read(from)
	if err != nil {
		return nil, misread(err)
	}
	variables, err := runtimeVariables(from, f.variables)
	if err != nil {
		return nil, misread(err)
	}
	to, err := f.platform.Config(e.Getenv, e.Open)
	if err != nil {
		return nil, err
	}
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	s, err := loadSettings(ctx, e, p, overrides)
	if err != nil {
		return nil, err
	}
	tcx, err := e.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading App: %w", err)
	}
	stdout := e.Stdout
	if f.asJSON {
		stdout = e.Stderr
	}
	return &local.Run{
		File: tcx, Given: given, Variables: variables, OutVariables: f.outVariables, Out: f.out, JobState: f.jobState, Timeout: f.timeout,
		NoSandbox: f.noSandbox, Platform: to,
		Settings: s, Home: p, Path: e.Getenv("PATH"), Stdout: stdout, Stderr: e.Stderr,
		Warn:  func(text string) { fmt.Fprintln(e.Stderr, text) },
		Begin: func(s local.Sandbox) { fmt.Fprintf(e.Stderr, "running %s\n", s) },
	}, nil
}

// loadSettings returns the settings of the home, with the proxy's password unsealed: no other
// secret reaches an App.
func loadSettings(ctx context.Context, e *env.Env, p paths.Paths, overrides map[string]string) (settings.Settings, error) {
	unseal := func(name, sealed string) (string, error) {
		if name != "proxyPassword" {
			return sealed, nil
		}
		chain, err := keychain.Open(p.Keychain)
		if err != nil {
			return "", err
		}
		if _, err := e.Unlock(ctx, chain, ""); err != nil {
			return "", err
		}
		return chain.Unseal(name, sealed)
	}
	return e.Unsealed(overrides, unseal)
}

// misread makes a wrong input on the command line a usage error.
func misread(err error) error {
	if errors.Is(err, inputs.ErrUsage) {
		return cli.Usage("app run: %w", err)
	}
	return err
}

// runtimeVariables reads words of the form SOURCE/ID=VALUE.
func runtimeVariables(from inputs.Source, words []string) ([]local.Variable, error) {
	given := map[string]string{}
	if err := from.Assign("--variable", words, given); err != nil {
		return nil, err
	}
	var list []local.Variable
	for _, name := range slices.Sorted(maps.Keys(given)) {
		source, id, _ := strings.Cut(name, "/")
		if err := api.CheckVariable(source, id); err != nil {
			return nil, cli.Usage("app run: --variable %q: %w\nhint: --variable TC/ID=VALUE is what a parameter calls &{TC:TEXT:ID}", name, err)
		}
		list = append(list, local.Variable{Source: source, ID: id, Data: given[name]})
	}
	return list, nil
}

func printOutcome(e *env.Env, r local.Result, asJSON bool) error {
	if asJSON {
		return cli.PrintJSON(e.Stdout, r)
	}
	fmt.Fprintf(e.Stderr, "%s: ", r.Outcome)
	if r.ExitCode >= 0 { // an App that was ended has none
		fmt.Fprintf(e.Stderr, "exit code %d ", r.ExitCode)
	}
	fmt.Fprintf(e.Stderr, "after %s", time.Duration(r.RunMS)*time.Millisecond)
	if r.Message != "" {
		fmt.Fprintf(e.Stderr, ": %s", r.Message)
	}
	fmt.Fprintln(e.Stderr)
	for _, x := range r.Requests {
		fmt.Fprintf(e.Stdout, "request %s %s %d sent %d received %d", x.Method, x.Path, x.Status, x.Sent, x.Received)
		if x.Error != "" {
			fmt.Fprintf(e.Stdout, ": %s", x.Error)
		}
		fmt.Fprintln(e.Stdout)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Results)) {
		fmt.Fprintf(e.Stdout, "result %s = %s\n", name, r.Results[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Variables)) {
		fmt.Fprintf(e.Stdout, "variable %s = %s\n", name, r.Variables[name])
	}
	for _, file := range r.Files {
		fmt.Fprintf(e.Stdout, "file %s\n", file)
	}
	return nil
}
