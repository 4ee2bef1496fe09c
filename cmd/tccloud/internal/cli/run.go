package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/app"
	"tcenvsvr/cmd/tccloud/internal/cli/execution"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/cli/submission"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// runFlags are the flags of run.
type runFlags struct {
	inputs       inputs.Flags
	outVariables []string
	timeout      time.Duration
	priority     int
	retryable    bool
	server       wire.ServerXID
	limits       wire.Limits
	follow       bool
	detach       bool
	json         bool
	distrust     distrust
}

func runCommand(o *operator.Env) *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use: "run ENV APP[@VERSION]", Short: "run an App and wait for its end", Args: runArguments,
		Long: `Run gives an order to an Environment, waits for its end and exits by the outcome.
One of the Environment's servers takes it, or the one that --server names. Interrupting
this command does not end the execution; "tccloud execution cancel ID" does.

Everything on the command line can be read by others with ps, and may stay in
the shell's history. Secrets belong into --param-file and --kv-file, JSON objects of
names and values ("-" reads stdin), or --param NAME=@FILE.

  tccloud run lab My_App --param-file params.json --follow --data DIR
  tccloud run lab My_App@1.0.2 --param user=ada --param password=@pw.txt --data DIR
  tccloud run lab My_Playbook_App --kv '#App:1:in!String=hello' --json --data DIR

--memory, --tasks and --cpu-weight bound the App with all that it starts, below what
the server's settings allow. They hold where the server's runner is the socket; an App
that takes more memory ends as failed, with app.out_of_memory.

With --follow the App's stdout comes on stdout, its stderr and its own logs on stderr
(with --json all of it on stderr).

The cloud need not be believed. With --sign-key the order is signed, and servers
whose policy has the public key run it as it is or not at all. This command first
compares what the cloud would send to the servers with what you asked for: name and
version, all parameters and, with --package or --sha256, the package. What is signed
is shown on stderr. With --seal parameters are sealed to the servers, and the cloud keeps
what it cannot read; a server that cannot open them does not get the order. Which ones
are secret the cloud is not asked, either: name them, or give the --package.

  tccloud run lab My_App@1.0.2 --param-file params.json --sign-key me.key --package My_App.tcx
  tccloud run lab My_App --param-file params.json --seal=password --pin sha256:…
  tccloud run lab My_App --param-file params.json --seal --package My_App.tcx --pin sha256:…`,
	}
	f := cmd.Flags()
	f.StringArrayVarP(&flags.inputs.Params, "param", "p", nil, "a parameter, NAME=VALUE or NAME=@FILE (VALUE is visible in ps; @@ is a literal @)")
	f.StringVar(&flags.inputs.ParamFile, "param-file", "", "JSON object of parameters, - is stdin; --param wins")
	f.StringArrayVar(&flags.outVariables, "out-variable", nil, "Playbook variable the App shall write, default all it declares as #App:1:NAME!TYPE")
	f.StringArrayVar(&flags.inputs.KV, "kv", nil, "Playbook variable to set before, NAME=JSON or NAME=@FILE; what is no JSON becomes a string")
	f.StringVar(&flags.inputs.KVFile, "kv-file", "", "JSON object of Playbook variables, - is stdin; --kv wins")
	f.DurationVar(&flags.timeout, "timeout", 0, "end the App after so long, 1s–168h (default the App's own, or the cloud's)")
	f.IntVar(&flags.priority, "priority", 5, "0 (last) to 9 (first)")
	f.BoolVar(&flags.retryable, "retryable", false, "may be run again when its outcome cannot be known")
	operator.AddServer(f, &flags.server)
	operator.AddLimits(f, &flags.limits)
	f.BoolVarP(&flags.follow, "follow", "f", false, "show the App's output while it runs")
	f.BoolVar(&flags.detach, "detach", false, "do not wait: print the execution's id")
	f.BoolVar(&flags.json, "json", false, "answer in JSON")
	flags.distrust.add(o, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if flags.detach && flags.follow {
			return cli.Misuse(cmd, "--detach and --follow exclude each other")
		}
		q, err := order(cmd, o.Stdin, args[0], args[1], flags)
		if err != nil {
			return err
		}
		if err := flags.distrust.check(cmd, q); err != nil {
			return err
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		if flags.distrust.used() {
			var report submission.Report
			if q, report, err = flags.distrust.prepare(cmd.Context(), o, c, q); err != nil {
				return err
			}
			if flags.distrust.dryRun {
				return dryRun(o, flags.json, report)
			}
			announce(o, report)
		}
		return run(cmd.Context(), o, c, q, flags)
	}
	return o.Command(cmd, operator.RunCodes...)
}

// runArguments are an Environment and an App. "--seal NAME" looks as if it had a third.
func runArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 2 && cmd.Flags().Changed("seal") {
		return cli.Misuse(cmd, "%q is too much; the names of --seal stand behind =, as in --seal=NAME,NAME", args[2])
	}
	return cli.Exactly(2, "an Environment and an App")(cmd, args)
}

// order makes the request of the command line.
func order(cmd *cobra.Command, stdin io.Reader, environment, name string, flags runFlags) (v1.NewExecution, error) {
	q := v1.NewExecution{
		Environment: environment, Server: flags.server, TimeoutMS: flags.timeout.Milliseconds(), Priority: &flags.priority,
		Retryable: flags.retryable, Limits: flags.limits, OutVariables: flags.outVariables,
	}
	q.App, q.Version = app.Split(name)
	if flags.timeout < 0 {
		return q, cli.Misuse(cmd, "--timeout %s is negative", flags.timeout)
	}
	given, err := flags.inputs.Read(inputs.Source{Stdin: stdin})
	if errors.Is(err, inputs.ErrUsage) {
		return q, cli.Misuse(cmd, "%w", err)
	}
	q.Params, q.KV = given.Params, given.KV
	return q, err
}

func run(ctx context.Context, o *operator.Env, c *client.Client, q v1.NewExecution, flags runFlags) error {
	x, err := c.Run(ctx, q)
	if err != nil {
		return err
	}
	if flags.detach {
		return cli.Answer(o.Stdout, flags.json, x, func(w io.Writer) { fmt.Fprintln(w, x.ID) })
	}
	if x.Waits != "" && !flags.follow {
		fmt.Fprintf(o.Stderr, "tccloud: %s\n", progress(x))
	}
	end, err := wait(ctx, o, c, x.ID, flags)
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintf(o.Stderr, "tccloud: the execution goes on; to end it: tccloud execution cancel %s\n", x.ID)
			return &cli.ExitError{Code: operator.ExitInterrupted}
		}
		return fmt.Errorf("waiting for execution %s: %w", x.ID, err)
	}
	w := o.Stdout
	if flags.follow && !flags.json {
		w = o.Stderr // stdout is the App's
	}
	if flags.json {
		err = cli.PrintJSON(w, end)
	} else {
		execution.Summary(w, end)
	}
	if err != nil {
		return err
	}
	return operator.OutcomeError(wire.Outcome(end.State))
}

// wait follows the states and, with --follow, the logs, until both are complete.
func wait(ctx context.Context, o *operator.Env, c *client.Client, id wire.OrderID, flags runFlags) (v1.Execution, error) {
	var end v1.Execution
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		end, err = c.Wait(ctx, id, func(x v1.Execution) {
			if flags.follow && !x.Ended {
				fmt.Fprintf(o.Stderr, "tccloud: %s\n", progress(x))
			}
		})
		return err
	})
	if flags.follow {
		g.Go(func() error {
			return c.Follow(ctx, id, client.LogQuery{}, func(chunk v1.Chunk) error {
				w := o.Stderr
				if chunk.Stream == wire.Stdout && !flags.json {
					w = o.Stdout
				}
				_, err := w.Write(chunk.Data)
				return err
			})
		})
	}
	return end, g.Wait()
}

func progress(x v1.Execution) string {
	s := fmt.Sprintf("execution %s is %s", x.ID, x.State)
	if x.ServerName != "" {
		s += " on " + x.ServerName
	}
	if x.Waits != "" {
		s += " and waits " + x.Waits
	}
	if x.Attempt > 1 {
		s += fmt.Sprintf(", attempt %d", x.Attempt)
	}
	return plain.Line(s)
}
