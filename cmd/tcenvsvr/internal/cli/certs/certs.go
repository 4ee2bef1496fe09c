package certs

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// Command returns the group "certs".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("certs", "private CAs that Apps and the agent trust",
		`Certs are the CAs that Apps and the agent trust: the host's, the JDK's, certifi's, and
private ones, which are added here or lie as files in /etc/threatconnect-envsvr/certs.d
or HOME/certs.d. A change counts for the next job and the next connection; nothing needs a
restart, and neither the JDK nor Python is edited.

  tcenvsvr certs add fullchain.pem
  tcenvsvr certs check siem.corp.example:443`,
		addCommand(e), listCommand(e), removeCommand(e), buildCommand(e), checkCommand(e), showCommand(e), exportCommand(e), pythonWrapperCommand(e), systemCommand(e))
}

// place is the home that a command works on.
type place struct {
	paths    paths.Paths
	settings settings.Settings
	sources  certs.Sources
	audit    *audit.Log
}

func open(e *env.Env) (place, error) {
	p, err := e.Paths()
	if err != nil {
		return place{}, err
	}
	s, err := e.Settings(nil)
	if err != nil {
		return place{}, err
	}
	return place{paths: p, settings: s, sources: parts.TrustSources(p, s), audit: audit.Open(p.Audit)}, nil
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// rebuild makes the trust stores now, so that the user who added a CA sees at once what is wrong
// with it, instead of the next job.
func rebuild(e *env.Env, p place) error {
	set, err := certs.New(certs.Config{Dir: p.paths.Trust, Sources: p.sources}).Rebuild()
	if errors.Is(err, certs.ErrNoPublic) {
		fmt.Fprintf(e.Stderr, "note: %v\n", err)
		return nil
	}
	if err == nil {
		fmt.Fprintf(e.Stderr, "%d CAs are trusted by the next job\n", set.Count)
	}
	return err
}
