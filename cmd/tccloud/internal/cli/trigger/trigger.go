package trigger

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/app"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// Command returns "tccloud trigger".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("trigger", "manage what services watch for",
		`Trigger manages the triggers of services: each is a configuration for the App of a
trigger or webhook service, and names the App that its events start.

  tccloud trigger add watcher new-alert --param-file trigger.json --start Enrich_Alert
  tccloud trigger list watcher
  tccloud service events watcher`,
		add(o), list(o), remove(o))
}

func add(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "add SERVICE NAME", Short: "add a trigger to a service", Args: cli.Exactly(2, "a service and a name"),
		Long: `Add adds a trigger to a service. The App gets its configuration at once, or when it is
ready; "tccloud trigger list" says what the App made of it. For a webhook the URL is
printed, once: whoever has it can call it, and removing the trigger makes it worthless.

With --start each event starts an App of the Environment; a Playbook App reads the
event's variables (--start-param NAME='#Trigger:1:…').

  tccloud trigger add watcher new-alert --param-file trigger.json --start Enrich_Alert
  tccloud trigger add hooks ticket --start Handle_Ticket@2.0.0 --start-param body='#Trigger:1:body!String'`,
	}
	var in inputs.Flags
	f := cmd.Flags()
	f.StringArrayVarP(&in.Params, "param", "p", nil, "an input of the trigger, NAME=VALUE or NAME=@FILE (VALUE is visible in ps; @@ is a literal @)")
	f.StringVar(&in.ParamFile, "param-file", "", "JSON object of inputs, - is stdin; --param wins")
	outputs := f.StringArray("out-variable", nil, "variable that the App shall write, default all it declares as #Trigger:ID:NAME!TYPE")
	start := f.String("start", "", "App that an event starts, APP[@VERSION]")
	startParams := f.StringArray("start-param", nil, "a parameter of that App, NAME=VALUE or NAME=@FILE")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		from := inputs.Source{Stdin: o.Stdin}
		given, err := in.Read(from)
		if errors.Is(err, inputs.ErrUsage) {
			return cli.Misuse(cmd, "%w", err)
		}
		if err != nil {
			return err
		}
		q := v1.NewTrigger{Name: args[1], Params: given.Params, Outputs: *outputs}
		if *start == "" && len(*startParams) > 0 {
			return cli.Misuse(cmd, "--start-param needs --start")
		}
		if *start != "" {
			q.Start = &services.Start{Params: map[string]string{}}
			q.Start.App, q.Start.Version = app.Split(*start)
			if err := from.Assign("--start-param", *startParams, q.Start.Params); err != nil {
				return cli.Misuse(cmd, "%w", err)
			}
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		t, err := c.AddTrigger(cmd.Context(), args[0], q)
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, t, func(w io.Writer) {
			pairs := []any{"trigger", t.Name, "state", t.State, "inputs", strings.Join(t.Params, ", "), "variables", strings.Join(t.Outputs, ", "), "starts", t.Starts}
			if t.URL != "" {
				pairs = append(pairs, "url (shown once)", t.URL)
			}
			cli.Facts(w, pairs...)
		})
	}
	return cmd
}

func list(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list SERVICE", Short: "list the triggers of a service", Args: cli.Exactly(1, "a service"),
		Long: `List shows the triggers of a service, what the App made of each, and what each starts.

  tccloud trigger list watcher --data DIR
  tccloud trigger list watcher --json --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		s, err := c.Service(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		list := s.Triggers
		if list == nil {
			list = []v1.Trigger{}
		}
		return cli.Answer(o.Stdout, *asJSON, list, func(w io.Writer) {
			cli.Table(w, "ID\tNAME\tSTATE\tSTARTS\tINPUTS\tPROBLEM", func(row func(...any)) {
				for _, t := range list {
					row(t.ID, t.Name, t.State, t.Starts, strings.Join(t.Params, ", "), t.Problem)
				}
			})
		})
	}
	return cmd
}

func remove(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm SERVICE NAME", Aliases: []string{"remove", "delete"}, Short: "remove a trigger from a service", Args: cli.Exactly(2, "a service and a name"),
		Long: `Rm takes a trigger away from a service. The URL of a webhook opens nothing any more.

  tccloud trigger rm watcher new-alert --data DIR`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.RemoveTrigger(cmd.Context(), args[0], args[1])
	}
	return cmd
}
