package daemon

import (
	"errors"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/archive"
)

// newArchives opens the class-data archives of Java Apps.
func (d *daemon) newArchives() (*archive.Store, error) {
	return archive.Open(archive.Config{
		Programs: d.paths.Programs, Build: d.builds(), Logger: d.logger.With("component", "archive"),
		On: func() bool { return d.live.settings().JavaArchives != "off" },
	})
}

// prune removes old versions of Apps, and the archives of what is gone.
func (d *daemon) prune(inUse func(app.App) bool) error {
	_, err := d.apps.Prune(keepVersions, inUse)
	return errors.Join(err, d.archives.Prune())
}
