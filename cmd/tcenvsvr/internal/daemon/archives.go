package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/archive"
	appbuild "tcenvsvr/agent/app/build"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// newArchives opens the class-data archives of Java Apps. They are made as Apps run: as the same
// user, in the same isolation, with the same JDK.
func (d *daemon) newArchives() (*archive.Store, error) {
	return archive.Open(archive.Config{
		Programs: d.paths.Programs, Logger: d.logger.With("component", "archive"),
		Build: appbuild.Config{
			Jobs: d.jobs, Sandboxed: d.jobs.User() != "",
			Execution: func() app.Execution { return parts.Execution(d.live.settings()) },
			World:     func(ctx context.Context) (job.Isolation, error) { return d.jobs.World(ctx, d.paths) },
			Folder:    d.buildFolder,
		},
	})
}

// buildFolder makes the folder of a job that is no order's.
func (d *daemon) buildFolder() (session, dir string, remove func() error, err error) {
	session = janitor.Build + strings.ToLower(rand.Text()[:12])
	dir = filepath.Join(d.paths.Jobs, session)
	remove = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return d.jobs.Janitor(d.paths.Jobs).Remove(ctx, session)
	}
	if err := d.jobs.MakeJobDir(dir); err != nil {
		return "", "", nil, errors.Join(err, remove())
	}
	return session, dir, remove, nil
}

// prune removes old versions of Apps, and the archives of what is gone.
func (d *daemon) prune(inUse func(app.App) bool) error {
	_, err := d.apps.Prune(keepVersions, inUse)
	return errors.Join(err, d.archives.Prune())
}
