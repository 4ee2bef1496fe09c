//go:build unix && !linux

package become

import "os"

// leaveTerminal does nothing: on these systems only root may type into a terminal that is not the
// process's own, and to read a password the process needs its own.
func leaveTerminal() (*os.File, error) { return nil, nil }

// hide does nothing: a process that changed its user cannot be traced.
func hide() error { return nil }

func self() (string, error) { return os.Executable() }
