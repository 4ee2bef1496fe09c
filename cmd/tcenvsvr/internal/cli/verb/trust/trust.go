package trust

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
)

// Commands are the verbs of this topic.
func Commands(e *verb.Env) []*cobra.Command {
	return []*cobra.Command{cli.Group("certs", "private CAs that Apps and the agent trust",
		`Certs are the CAs that Apps and the agent trust: the host's, the JDK's, certifi's, and
private ones, which are added here or lie as files in /etc/threatconnect-envsvr/certs.d
or HOME/certs.d. A change counts for the next job and the next connection; nothing needs a
restart, and neither the JDK nor Python is edited.

  tcenvsvr certs add fullchain.pem
  tcenvsvr certs check siem.corp.example:443`,
		add(e), list(e), remove(e), build(e), check(e), show(e), export(e), pythonWrapper(e), system(e))}
}

// place is where a verb works.
type place struct {
	paths    paths.Paths
	settings settings.Settings
	sources  certs.Sources
	audit    *audit.Log
}

func open(e *verb.Env) (place, error) {
	p, err := e.Paths()
	if err != nil {
		return place{}, err
	}
	s, err := e.Settings(nil)
	if err != nil {
		return place{}, err
	}
	return place{paths: p, settings: s, sources: daemon.TrustSources(p, s), audit: audit.Open(p.Audit)}, nil
}
