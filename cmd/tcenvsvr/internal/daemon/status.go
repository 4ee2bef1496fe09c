package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"tcenvsvr/agent/disk/space"
	"tcenvsvr/agent/host/facts"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

func (d *daemon) status() controlapi.Status {
	s := controlapi.Status{Status: d.agent.Status(), Link: d.link.State(), Settings: d.live.status(), CertificateExpires: d.id.Leaf().NotAfter}
	s.Settings.OtherProxy = settings.FindOtherProxy(os.Environ())
	s.Policy = d.policyStatus()
	s.SealKey, s.SealKeyProblem = d.sealing.status()
	s.Brokers = d.directory.Status()
	s.Twin = d.twin.now(s.Link.Epoch)
	isolation, limits := d.jobs.Known()
	if s.Isolation = isolation; limits != nil {
		l := *limits
		l.MemoryMegabytes = d.live.settings().AppsMemory
		s.Limits = &l
	}
	s.Bytecode = d.apps.Bytecode()
	s.Archives = d.archives.Status()
	s.Templates = d.templates.Status()
	s.MetricsFile = d.metrics.status()
	s.Environment = cmp.Or(s.Link.Environment, d.live.settings().Environment)
	return s
}

func serverName(s settings.Settings) string {
	if s.ServerName != "" {
		return s.ServerName
	}
	name, err := os.Hostname()
	if err != nil {
		return s.ServerXID
	}
	return name
}

// machine is the agent's view of the host.
type machine struct {
	*facts.Host
	jobs   string
	daemon *daemon
}

func (m machine) Info(ctx context.Context) wire.Info {
	h, _ := m.Facts(ctx, m.jobs) // facts that are not known stay zero
	return wire.Info{
		Hostname: h.Hostname, Platform: h.Platform, CPUs: h.CPUs, Load1: h.Load1,
		MemoryTotal: h.MemoryTotal, MemoryFree: h.MemoryFree, DiskTotal: h.DiskTotal, DiskFree: h.DiskFree,
		RTTMS:  float64(m.daemon.rtt().Microseconds()) / 1000,
		Update: m.daemon.updates.info(),
	}
}

// Room is the free space for jobs, in bytes and files. On systems that do not count them there is
// space for any number.
func (m machine) Room() (bytes, files uint64, err error) {
	d, err := space.Of(m.jobs)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return math.MaxUint64, math.MaxUint64, nil
	case err != nil:
		return 0, 0, fmt.Errorf("asking for the free space at %q: %w", m.jobs, err)
	case d.Files == 0:
		return d.Free, math.MaxUint64, nil
	}
	return d.Free, d.FreeFiles, nil
}
