package daemon

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a file must be left alone before it is read: editors
// write in several steps. The package's tests lengthen it.
var settle = 200 * time.Millisecond

// reloads reads the settings again when their file changes or a signal
// asks for it. Where files cannot be watched, the signal and the command line still work.
func (d *daemon) reloads(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	watched := make(chan error, 1)
	go func() { watched <- watchFile(ctx, d.paths.Settings, settle, changed) }()
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
			_, _ = d.reload("file") // what is wrong is logged and shown by status
		case <-d.Reload:
			d.told(func() { _, _ = d.reload("signal") })
		}
	}
}

// watchFile says when the file has changed and is left alone for a while.
// It watches the folder, because saving puts a new file in the old one's place.
func watchFile(ctx context.Context, file string, settle time.Duration, changed chan<- struct{}) error {
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
				timer.Reset(settle)
			}
		case err := <-w.Errors: // events were lost: the file may be among them
			if err == nil {
				return fsnotify.ErrClosed
			}
			timer.Reset(settle)
		case <-timer.C:
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}
}
