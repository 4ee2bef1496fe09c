package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// Env is the world a verb may touch.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string // "" = what the build says

	source client.Source // of the connection flags
}

// Verb makes a further command, for what is not part of this package.
type Verb func(*Env) *cobra.Command

// Main runs the command line args (without the program's name) and
// returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, more ...Verb) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	env := &Env{Stdin: stdin, Stdout: stdout, Stderr: stderr, Getenv: os.Getenv}
	root := New(env, more...)
	root.SetArgs(args)
	err := cli.Execute(ctx, root)
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[*Exit](err); !ok || e.Err != nil {
		fmt.Fprintf(stderr, "tccloud: %v\n", err)
		if h := hint(err); h != "" {
			fmt.Fprintf(stderr, "hint: %s\n", h)
		}
	}
	return exitCode(err)
}

// New returns the root command. It prints no errors itself.
func New(env *Env, more ...Verb) *cobra.Command {
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	if env.Version == "" {
		env.Version = buildVersion()
	}
	root := &cobra.Command{
		Use:   "tccloud",
		Short: "a self-hosted Dedicated Cloud",
		Long: `Tccloud is a self-hosted Dedicated Cloud: the message broker on port 62000, the
HTTPS API, and the operator's verbs. Environment Servers connect to it and run
Apps for it.

  tccloud serve --data DIR --name cloud.example
  tccloud env create lab --data DIR`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          needVerb,
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misuse(cmd, "%w", err)
	})
	root.AddCommand(newServe(env), newEnv(env), newServer(env), newBundle(env), newApp(env), newRun(env),
		newExecution(env), newVariable(env), newRelease(env), newStatus(env), newVersion(env), exitCodes())
	for _, verb := range more {
		root.AddCommand(verb(env))
	}
	return root
}

// needVerb is the body of commands that only group others.
func needVerb(cmd *cobra.Command, _ []string) error {
	return misuse(cmd, "a verb is missing; try %q", cmd.CommandPath()+" --help")
}

// group is a command of several verbs.
func group(use, short, long string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, RunE: needVerb}
	cmd.AddCommand(verbs...)
	return cmd
}

func exitCodes() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "what the exit codes mean", Long: "Exit codes of all commands:\n\n" + codeTable()}
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}

// operator adds the flags that say where the cloud is.
func operator(env *Env, cmd *cobra.Command) *cobra.Command {
	f := cmd.PersistentFlags()
	f.StringVar(&env.source.URL, "url", "", "address of the cloud's API, https://host[:port] (TCCLOUD_URL)")
	f.StringVar(&env.source.TokenFile, "token-file", "", "file with the admin token (TCCLOUD_TOKEN_FILE, or the token in TCCLOUD_TOKEN)")
	f.StringVar(&env.source.CA, "ca", "", "PEM file with the cloud's CA, default the system's (TCCLOUD_CA)")
	f.StringVar(&env.source.Data, "data", "", "data folder of a cloud on this host, instead of all of these (TCCLOUD_DATA)")
	return cmd
}

// connect makes the client that the flags describe.
func (e *Env) connect() (*client.Client, error) {
	s := e.source
	s.Getenv = e.Getenv
	if s.Data == "" {
		s.Data = e.Getenv("TCCLOUD_DATA")
	}
	cfg, err := client.Resolve(s)
	if err != nil {
		return nil, err
	}
	return client.New(cfg), nil
}

// asJSON adds --json.
func asJSON(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "answer in JSON")
}

// answer prints v as JSON, or calls text.
func (e *Env) answer(json bool, v any, text func(io.Writer)) error {
	if !json {
		text(e.Stdout)
		return nil
	}
	return encode(e.Stdout, v)
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
