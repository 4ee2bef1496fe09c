package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
)

var exits = cli.ExitCodes{
	{Code: 0, Meaning: "ok"},
	{Code: 2, Meaning: "wrong command line", Is: cli.AsError[cli.UsageError]},
	{Code: 75, Meaning: "start me again", Is: cli.IsError(context.Canceled), Quiet: true},
	{Code: 4, Meaning: "not permitted", Is: cli.IsError(fs.ErrPermission)},
	{Code: 9, Meaning: "only by an ExitError"},
	{Code: 1, Meaning: "failed", Is: func(error) bool { return true }},
}

func TestReport(t *testing.T) {
	hint := func(code int, _ error) string {
		if code == 4 {
			return "run it as root"
		}
		return ""
	}
	for _, x := range []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{errors.New("no"), 1, "prog: no\n"},
		{cli.Usage("bad %q", "x"), 2, "prog: bad \"x\"\n"},
		{fmt.Errorf("opening: %w", fs.ErrPermission), 4, "prog: opening: permission denied\nhint: run it as root\n"},
		{fmt.Errorf("opening: %w\nhint: ask", fs.ErrPermission), 4, "prog: opening: permission denied\nhint: ask\n"},
		{errors.Join(cli.ErrReported, fs.ErrPermission), 4, ""},
		{context.Canceled, 75, ""},
		{&cli.ExitError{Code: 9}, 9, ""},
		{fmt.Errorf("outside: %w", &cli.ExitError{Code: 9, Err: fs.ErrPermission}), 9, "prog: outside: permission denied\n"},
		{errors.New("reading \"\x1b]0;owned\x07\x1b[2Jä…\r\u202e\xff\"\nhint: try again"), 1, "prog: reading \"?]0;owned??[2Jä…???\"\nhint: try again\n"},
	} {
		var out bytes.Buffer
		if code := exits.Report(&out, "prog", x.err, hint); code != x.code || out.String() != x.want {
			t.Errorf("%v: got %d, %q; want %d, %q", x.err, code, out.String(), x.code, x.want)
		}
	}
}

// A program: its tree, its run, its exit code.
func Example() {
	greet := &cobra.Command{
		Use: "greet NAME", Short: "say hello",
		Args: cli.Exactly(1, "a name"),
		RunE: func(c *cobra.Command, args []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "hello", args[0])
			return err
		},
	}
	root := cli.Root("prog", "an example", "")
	root.SetOut(os.Stdout)
	cli.AddSections(root, cli.Section{Title: "First steps", Commands: []*cobra.Command{greet}})
	exits.EndHelp(root)
	for _, line := range [][]string{{"greet", "you"}, {"greet"}, {"gret"}} {
		root.SetArgs(line)
		fmt.Println(exits.Report(os.Stdout, root.Name(), cli.Execute(context.Background(), root), nil))
	}
	// Output:
	// hello you
	// 0
	// prog: prog greet takes a name
	// hint: run "prog greet --help"
	// 2
	// prog: unknown command "gret" for "prog"
	// hint: did you mean "prog greet"?
	// 2
}

// A value in a table cannot begin a line or a column of its own.
func ExampleTable() {
	cli.Table(os.Stdout, "NAME\tSTATE", func(row func(...any)) {
		row("lab", "ok")
		row("edge\tof\nworld\x1b[2J", 7)
	})
	// Output:
	// NAME               STATE
	// lab                ok
	// edge of world?[2J  7
}
