package service

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// settings are the flags that create and edit share.
type settings struct {
	inputs  inputs.Flags
	server  wire.ServerXID
	level   string
	path    string
	timeout time.Duration
	body    int64
	rate    int
}

func (s *settings) add(c *cobra.Command) {
	f := c.Flags()
	operator.AddServer(f, &s.server)
	f.StringVar(&s.level, "log-level", "", "how much the App logs: "+strings.Join(services.LogLevels, ", ")+" (default its own)")
	f.StringVar(&s.path, "path", "", "of an API service: it is called at /api/services/PATH (default its name)")
	f.DurationVar(&s.timeout, "call-timeout", 0, "answer a call with 504 after so long, at most 10m (default 30s)")
	f.Int64Var(&s.body, "max-body", 0, "largest body of a call in bytes, at most 33554432 (default 5242880)")
	f.IntVar(&s.rate, "rate", 0, "calls in a second, at most 10000 (default 500)")
	f.StringArrayVarP(&s.inputs.Params, "param", "p", nil, "a parameter, NAME=VALUE or NAME=@FILE (VALUE is visible in ps; @@ is a literal @)")
	f.StringVar(&s.inputs.ParamFile, "param-file", "", "JSON object of parameters, - is stdin; --param wins")
}

// read reads the parameters that the flags name.
func (s *settings) read(o *operator.Env, c *cobra.Command) (map[string]string, error) {
	switch {
	case s.timeout < 0:
		return nil, cli.Misuse(c, "--call-timeout is negative")
	}
	given, err := s.inputs.Read(inputs.Source{Stdin: o.Stdin})
	if errors.Is(err, inputs.ErrUsage) {
		return nil, cli.Misuse(c, "%w", err)
	}
	return given.Params, err
}
