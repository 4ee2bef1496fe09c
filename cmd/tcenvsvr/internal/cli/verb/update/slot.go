package update

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/updater/slot"
	"tcenvsvr/updater/slot/verify"
)

// product is the main package of the program that releases replace.
const product = "tcenvsvr/cmd/tcenvsvr"

func slotGroup(e *verb.Env) *cobra.Command {
	c := verb.Group("slot", "choose and replace programs (for the service manager)",
		`Slot is the root side of self-update: the service manager calls it, with the
package's own program. People use "tcenvsvr update".`,
		selectVerb(e), applyVerb(e), blessVerb(e), endedVerb(e), stateVerb(e))
	c.Hidden = true
	return c
}

// program is where this program lies, behind all links.
func program() (string, error) {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return path, nil
}

// open prepares the root side, with everything that acts on it needs.
func open(e *verb.Env) (*slot.Slots, error) {
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	self, err := program()
	if err != nil {
		return nil, err
	}
	at := slot.Here(p.Home, self)
	if at.InSlots(self) {
		return nil, fmt.Errorf("%q came by an update and may not decide about updates\nhint: run the package's program, %q", self, slot.PackagedProgram)
	}
	if self != slot.PackagedProgram { // the package has made them
		for _, dir := range []string{at.Slots, at.State, at.Inbox} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return nil, fmt.Errorf("making the folders of self-update: %w", err)
			}
		}
	}
	return slot.New(slot.Config{
		Paths: at, Version: build.Version(), Product: product, Owner: os.Geteuid(), Agent: ownerOf(p.State),
		Verifier: verify.Verifier{Root: at.Root, Dir: filepath.Join(at.State, "tuf")},
		Log:      logger(e),
	})
}

// logger writes what the journal gives a time itself.
func logger(e *verb.Env) *slog.Logger {
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}}))
}
