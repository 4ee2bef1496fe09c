package svc

import (
	"errors"
	"testing"

	kardianos "github.com/kardianos/service"
)

// A unit that failed or waits for its next start is installed all the same.
func TestUnitStatus(t *testing.T) {
	for said, want := range map[string]kardianos.Status{
		"LoadState=loaded\nActiveState=active\n":       kardianos.StatusRunning,
		"LoadState=loaded\nActiveState=activating\n":   kardianos.StatusRunning,
		"LoadState=loaded\nActiveState=deactivating\n": kardianos.StatusStopped,
		"LoadState=loaded\nActiveState=failed\n":       kardianos.StatusStopped,
		"LoadState=loaded\nActiveState=inactive\n":     kardianos.StatusStopped,
		"LoadState=masked\nActiveState=inactive\n":     kardianos.StatusStopped,
		"LoadState=not-found\nActiveState=active\n":    kardianos.StatusRunning, // its file was removed
		"LoadState=not-found\nActiveState=inactive\n":  kardianos.StatusUnknown,
	} {
		got, err := unitStatus([]byte(said), nil)
		if got != want || errors.Is(err, kardianos.ErrNotInstalled) != (want == kardianos.StatusUnknown) {
			t.Errorf("%q: %v, %v; want %v", said, got, err, want)
		}
	}
}
