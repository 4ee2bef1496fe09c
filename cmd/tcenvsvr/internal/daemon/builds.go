package daemon

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/app"
	appbuild "tcenvsvr/agent/app/build"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// builds makes things of Apps as they run: as the same user, in the same isolation, with the same
// interpreters.
func (d *daemon) builds() appbuild.Config {
	return appbuild.Config{
		Jobs: d.jobs, Sandboxed: d.jobs.User() != "",
		Execution: func() app.Execution { return parts.Execution(d.live.settings()) },
		World:     func(ctx context.Context) (job.Isolation, error) { return d.jobs.World(ctx, d.paths) },
		Folder:    d.buildFolder,
	}
}

// buildFolder makes the folder of a job that is no order's. What cannot be removed of it is removed
// by a later sweep.
func (d *daemon) buildFolder() (session, dir string, remove func(), err error) {
	session = janitor.Build + strings.ToLower(rand.Text()[:12])
	dir = filepath.Join(d.paths.Jobs, session)
	remove = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := d.jobs.Janitor(d.paths.Jobs).Remove(ctx, session); err != nil {
			d.logger.Debug("remains of a build were not removed yet", "session", session, "err", err)
		}
	}
	if err := d.jobs.MakeJobDir(dir); err != nil {
		remove()
		return "", "", nil, err
	}
	return session, dir, remove, nil
}
