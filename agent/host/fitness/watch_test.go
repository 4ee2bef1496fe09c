package fitness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatch: a problem ends when a probe went well and no order failed meanwhile; a look that hangs
// is a problem until it comes back.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var well atomic.Bool
		var changes atomic.Int32
		var disk atomic.Pointer[chan struct{}] // a look waits for it
		w := New(Config{
			Look: func() error {
				if c := disk.Load(); c != nil {
					<-*c
				}
				return nil
			},
			Probe: func(context.Context) error {
				if well.Load() {
					return nil
				}
				return errors.New("not yet")
			},
			Changed: func(*Problem) { changes.Add(1) },
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		time.Sleep(time.Minute)
		if p := w.Problem(); p != nil {
			t.Errorf("a fit host has %+v", p)
		}
		w.Report(NoFiles, errors.New("too many"))
		time.Sleep(time.Minute)
		if p := w.Problem(); p == nil || time.Since(p.Since) < time.Minute {
			t.Errorf("while the probe fails: %+v", p)
		}
		well.Store(true)
		time.Sleep(2 * retryMost)
		if p := w.Problem(); p != nil {
			t.Errorf("after a good probe: %+v", p)
		}
		hang := make(chan struct{})
		disk.Store(&hang)
		time.Sleep(lookEvery + lookTimeout + time.Second)
		if p := w.Problem(); p == nil || p.Code != Stuck || p.Message != "the disk did not answer for 3s" {
			t.Errorf("while the disk hangs: %+v", p)
		}
		close(hang)
		time.Sleep(2 * retryMost)
		if p := w.Problem(); p != nil || changes.Load() < 4 {
			t.Errorf("after it came back: %+v, %d changes", p, changes.Load())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestTouch: what stands in a folder already is not opened.
func TestTouch(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".touch"), nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := Touch(dir); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
	if err := Touch(filepath.Join(dir, "gone")); err == nil {
		t.Error("a folder that is not there can be written")
	}
}
