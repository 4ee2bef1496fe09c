package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// Env is what a command may use of the process it runs in.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string // of the program

	source client.Source // of the connection flags
}

// Group returns a command that has subcommands only, with the flags that say where the cloud is,
// and ends each command's help with its exit codes.
func (e *Env) Group(use, short, long string, subs ...*cobra.Command) *cobra.Command {
	group := cli.Group(use, short, long, subs...)
	group.RunE = cli.MissingCommand
	for _, c := range subs {
		endHelp(c)
	}
	return e.Command(group)
}

// LocalGroup is [Env.Group] for commands that call no cloud.
func (e *Env) LocalGroup(use, short, long string, subs ...*cobra.Command) *cobra.Command {
	group := cli.Group(use, short, long, subs...)
	group.RunE = cli.MissingCommand
	for _, c := range append(subs, group) {
		c.Long = cmp.Or(c.Long, c.Short) + "\n\n" + ExitCodes.Help(ExitOK, ExitFailed, ExitUsage)
	}
	return group
}

// Command adds to a command the flags that say where the cloud is, and ends its help with the exit
// codes of every command that calls the cloud, and those that it has besides.
func (e *Env) Command(c *cobra.Command, more ...int) *cobra.Command {
	f := c.PersistentFlags()
	f.StringVar(&e.source.URL, "url", "", "address of the cloud's API, https://host[:port] (TCCLOUD_URL)")
	f.StringVar(&e.source.TokenFile, "token-file", "", "file with the admin token or an API token (TCCLOUD_TOKEN_FILE, or the token in TCCLOUD_TOKEN)")
	f.StringVar(&e.source.CA, "ca", "", "PEM file with the cloud's CA, default the system's (TCCLOUD_CA)")
	f.StringVar(&e.source.Data, "data", "", "data folder of a cloud on this host, instead of all of these (TCCLOUD_DATA)")
	cli.GroupFlags(f, "Where the cloud is, and how to get in", "url", "token-file", "ca", "data")
	endHelp(c, more...)
	return c
}

// endHelp does nothing where the help has exit codes: a command of a group may have more of them than
// the group's others.
func endHelp(c *cobra.Command, more ...int) {
	if strings.Contains(c.Long, "\n\nExit codes:\n") {
		return
	}
	codes := append([]int{ExitOK, ExitFailed, ExitUsage, ExitNotRunning, ExitNotAllowed, ExitConfig}, more...)
	c.Long = cmp.Or(c.Long, c.Short) + "\n\n" + ExitCodes.Help(codes...)
}

// where is what the command line and the environment say of the cloud.
func (e *Env) where() client.Source {
	s := e.source
	s.Getenv = e.Getenv
	s.Data = cmp.Or(s.Data, e.Getenv("TCCLOUD_DATA"))
	return s
}

// Connect returns the client that the flags and the environment describe. It does not call the
// cloud yet, but waits for one on this host that is starting: "serve &" has the next command come
// before the cloud.
func (e *Env) Connect(ctx context.Context) (*client.Client, error) {
	c, err := e.ConnectNow()
	if errors.Is(err, client.ErrNotRunning) {
		data := e.where().Data
		fmt.Fprintf(e.Stderr, "waiting for the cloud in %q to start\n", data)
		if err := client.Await(ctx, data); err != nil {
			return nil, err
		}
		return e.ConnectNow()
	}
	return c, err
}

// ConnectNow is [Env.Connect] for those who do not wait.
func (e *Env) ConnectNow() (*client.Client, error) {
	cfg, err := client.Resolve(e.where())
	if err != nil {
		return nil, err
	}
	return client.New(cfg), nil
}
