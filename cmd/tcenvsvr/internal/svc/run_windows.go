package svc

import (
	"os"

	kardianos "github.com/kardianos/service"
)

// standalone: in a terminal kardianos would wait for its own signal.
func standalone() bool { return kardianos.Interactive() }

// ended ends the process of a service whose agent ended without being told to: the manager would
// not notice otherwise. It takes that for a crash, and starts it again.
func ended(p *program) {
	if p.stopping.Load() {
		return
	}
	os.Exit(1)
}
