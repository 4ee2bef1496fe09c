package daemon

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long a file must not change before it is read: editors write in several steps. The
// tests of this package lengthen it.
var quiet = 200 * time.Millisecond

// reloads reads the settings again when their file changes or a signal asks for it. If files cannot
// be watched, the signal and the command line still work.
func (d *daemon) reloads(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	watched := make(chan error, 1)
	go func() { watched <- watchFile(ctx, d.paths.Settings, quiet, changed) }()
	for {
		select {
		case <-ctx.Done():
			if watched != nil {
				if err := <-watched; err != nil { // it ends with ctx
					d.logger.Debug("watching settings ended", "err", err)
				}
			}
			return nil
		case err := <-watched:
			watched = nil
			if ctx.Err() == nil {
				d.logger.Warn("the settings file is not watched; changes are noticed on SIGHUP and from the command line", "err", err)
			}
		case <-changed:
			_, _ = d.reload("file") // an error is logged, and status shows it
		case <-d.Reload:
			d.notifyReload(func() { _, _ = d.reload("signal") })
		}
	}
}

// watchFile sends when the file has changed and has been quiet for a while. It watches the folder,
// because saving replaces the file by a new one.
func watchFile(ctx context.Context, file string, quiet time.Duration, changed chan<- struct{}) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	if err := w.Add(filepath.Dir(file)); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			if filepath.Base(e.Name) == filepath.Base(file) {
				timer.Reset(quiet)
			}
		case err := <-w.Errors: // events were lost: that of the file may be among them
			if err == nil {
				return fsnotify.ErrClosed
			}
			timer.Reset(quiet)
		case <-timer.C:
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}
}
