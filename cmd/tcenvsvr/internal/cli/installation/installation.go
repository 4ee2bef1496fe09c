package installation

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
)

// product is the main package of the program that releases replace.
const product = "tcenvsvr/cmd/tcenvsvr"

// Program returns the path of this program, with all links resolved.
func Program() (string, error) {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return path, nil
}

// Paths returns where this installation's programs lie, and this program.
func Paths(e *env.Env) (at handover.Paths, self string, err error) {
	p, err := e.Paths()
	if err != nil {
		return at, "", err
	}
	self, err = Program()
	return handover.PathsFor(p.Home, self), self, err
}

// Open opens the root side of self-update. It makes the folders that a package would bring, and
// refuses to work in a program that an update brought. more may change its configuration.
func Open(e *env.Env, more ...func(*slot.Config)) (*slot.Slots, error) {
	at, self, err := Paths(e)
	if err != nil {
		return nil, err
	}
	if at.InSlots(self) {
		return nil, fmt.Errorf("%q came by an update and may not decide about updates\nhint: run the program that was installed", self)
	}
	if self != handover.PackagedProgram { // the package has made them
		if err := unpacked(at); err != nil {
			return nil, err
		}
	}
	cfg := slot.Config{
		Paths: at, Version: build.Version(), Product: product, Owner: os.Geteuid(), Agent: ownerOf(filepath.Dir(at.Inbox)),
		Verifier: slot.MetadataVerifier{Root: at.Root, Dir: filepath.Join(at.State, "tuf"), Built: build.Time()},
		Log:      Logger(e),
	}
	for _, set := range more {
		set(&cfg)
	}
	return slot.New(cfg), nil
}

// unpacked makes the folders that a package would bring, and copies the root of trust from beside
// the installed program to where no update writes.
func unpacked(at handover.Paths) error {
	for dir, mode := range map[string]os.FileMode{at.Slots: 0o755, at.State: 0o700, filepath.Dir(at.Status): 0o755, filepath.Dir(at.Inbox): 0o711, at.Inbox: 0o700} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return fmt.Errorf("making the folders of self-update: %w", err)
		}
	}
	root, err := os.ReadFile(filepath.Join(filepath.Dir(at.Baseline), "root.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if old, readErr := os.ReadFile(at.Root); readErr != nil || !bytes.Equal(old, root) {
			err = atomicfile.WriteFile(at.Root, root, 0o644)
		}
	}
	if err != nil {
		return fmt.Errorf("placing the root of trust of updates: %w", err)
	}
	return nil
}

// Logger logs to stderr without times, which the journal adds.
func Logger(e *env.Env) *slog.Logger {
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}}))
}

// Hopeless are the exit codes that a restart does not change: files that may not be read, wrong
// settings, not enrolled, no keychain. 2, a wrong command line, is not among them, because a panic
// exits with 2 as well.
var Hopeless = []int{4, 5, 6, 7}
