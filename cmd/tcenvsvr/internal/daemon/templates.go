package daemon

import (
	"context"
	"path/filepath"

	"tcenvsvr/agent/app/templates"
	"tcenvsvr/agent/host/facts"
	"tcenvsvr/agent/job"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// jobs are an agent's: templates start its Apps, where they can.
type jobs struct {
	*parts.Jobs
	templates *templates.Keeper
}

// StartNoted is that of the templates.
func (j jobs) StartNoted(ctx context.Context, l job.Launch, note func(job.Status) error) (*job.Process, error) {
	return j.templates.StartNoted(ctx, l, note)
}

func (d *daemon) newTemplates(ctx context.Context, host *facts.Host) *templates.Keeper {
	now, _ := host.Facts(ctx, d.paths.Jobs) // a fact that is not known stays zero
	memory := now.MemoryTotal
	return templates.New(templates.Config{
		Jobs: d.jobs, Dir: d.paths.Jobs, MakeDir: d.jobs.MakeJobDir, Remove: d.jobs.Janitor(d.paths.Jobs).Remove,
		Learned:   filepath.Join(d.paths.State, "templates"),
		Megabytes: func() int { return d.live.settings().WarmMegabytes(memory) },
		Logger:    d.logger.With("component", "templates"),
	})
}
