package svc

import (
	"errors"
	"os"
	"path/filepath"
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

// A chkconfig that does not take the script says why.
func TestChkconfigRefuses(t *testing.T) {
	if links, _ := filepath.Glob("/etc/rc[0-6].d/[SK][0-9][0-9]" + Name); len(links) > 0 {
		t.Skip("the service is installed on this host")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "chkconfig"), []byte("#!/bin/sh\necho service $2 does not support chkconfig\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	err := enable("unix-systemv")
	if err == nil || err.Error() != "running chkconfig [--add threatconnect-envsvr]: exit status 1: service threatconnect-envsvr does not support chkconfig" {
		t.Errorf("got %v", err)
	}
}
