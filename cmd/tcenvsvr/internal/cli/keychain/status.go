package keychain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// keychainState is the answer of "keychain status".
type keychainState struct {
	File     string `json:"file"`
	Exists   bool   `json:"exists"`
	Problem  string `json:"problem,omitempty"` // why the file cannot be used
	Service  string `json:"service"`           // locked, unlocked or not running
	Password string `json:"password"`          // where the service finds it
	keychain.Info
	Sealed []string `json:"sealed"`            // settings, and the sealing key
	Plain  []string `json:"plain"`             // secrets that are not sealed
	IfLost string   `json:"if_lost,omitempty"` // what is to be done again without the password
	// SealKey is the fingerprint of the key to which parameters are sealed, as the running service has
	// it; SealKeyProblem says why there is none.
	SealKey        string `json:"seal_key,omitempty"`
	SealKeyProblem string `json:"seal_key_problem,omitempty"`
}

func statusCommand(e *env.Env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "show what is sealed and whether the service is locked",
		Long: `Status shows the keychain, whether the running service has its master password,
which settings are sealed, and what is to be done again if the password is lost. While the
service runs it shows the fingerprint of the key to which parameters are sealed: give it
to those who submit orders, who compare it with what the cloud tells them.

  tcenvsvr keychain status
  tcenvsvr keychain status --json`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := readKeychain(c.Context(), e)
			if err != nil {
				return err
			}
			if asJSON {
				return cli.PrintJSON(e.Stdout, s)
			}
			return printKeychain(e.Stdout, s)
		},
	}
	cli.JSONVar(c, &asJSON)
	return c
}

func readKeychain(ctx context.Context, e *env.Env) (keychainState, error) {
	p, err := e.Paths()
	if err != nil {
		return keychainState{}, err
	}
	s := keychainState{File: p.Keychain, Service: "not running", Sealed: []string{}, Plain: []string{}}
	switch chain, err := keychain.Open(p.Keychain); {
	case err == nil:
		s.Exists, s.Info = true, chain.Info()
	case !errors.Is(err, keychain.ErrMissing):
		s.Problem = err.Error()
	}
	conf, _, err := settings.Load(settings.Options{File: p.Settings, Keystore: p.Keystore, Env: e.Environ})
	if err != nil {
		return s, err
	}
	s.Password = "asked for, or given by \"tcenvsvr keychain unlock\""
	if conf.MasterKeyFile != "" {
		s.Password = "in the file " + conf.MasterKeyFile
	}
	for _, row := range settings.All {
		switch {
		case !row.Secret || conf.Text(row.Name) == "":
		case conf.IsSealed(row.Name):
			s.Sealed = append(s.Sealed, row.Name)
		default:
			s.Plain = append(s.Plain, row.Name)
		}
	}
	if _, err := os.Lstat(p.SealKeys); err == nil {
		s.Sealed = append(s.Sealed, sealKeyName)
	}
	s.IfLost = ifLost(s.Sealed)
	var running controlapi.Status
	switch err := control.Call(ctx, p.Control, "GET", "status", nil, &running); {
	case errors.Is(err, control.ErrNotRunning):
	case err != nil:
		return s, err
	case running.Locked != "":
		s.Service = "locked"
	default:
		s.Service = "unlocked"
		s.SealKey, s.SealKeyProblem = running.SealKey, running.SealKeyProblem
	}
	return s, nil
}

func printKeychain(out io.Writer, s keychainState) error {
	w := cli.Columns(out)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, plain.Line(fmt.Sprintf(format, args...)))
	}
	switch {
	case s.Problem != "":
		row("keychain", "NOT USABLE: %s", s.Problem)
	case !s.Exists:
		row("keychain", "there is none; \"tcenvsvr enroll\" and \"tcenvsvr keychain init\" make one")
	default:
		row("keychain", "%s", s.File)
		row("", "made %s, password of %s, %d iterations", s.Created.Format(time.DateOnly), s.Changed.Format(time.DateOnly), s.Iterations)
		row("password", "%s", s.Password)
	}
	row("service", "%s", s.Service)
	if len(s.Sealed) > 0 {
		row("sealed", "%s", strings.Join(s.Sealed, ", "))
		row("if lost", "%s", s.IfLost)
	}
	if s.SealKey != "" {
		row("sealing key", "%s", s.SealKey)
	} else if s.SealKeyProblem != "" {
		row("sealing key", "none: %s", s.SealKeyProblem)
	}
	if len(s.Plain) > 0 {
		row("NOT sealed", "%s", strings.Join(s.Plain, ", "))
	}
	return w.Flush()
}
