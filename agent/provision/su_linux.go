package provision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tcenvsvr/agent/atomicfile"
)

const (
	pamFile = "/etc/pam.d/su"
	// backupDir is not in /etc/pam.d, where every file is a service.
	backupDir = "/var/lib/threatconnect-envsvr-host"
)

func pamBlock(_ context.Context, _ *Host) ([]Finding, error) {
	return editPAM("lacks the block that lets "+Agent+" become "+Sandbox, "inserted", insertBlock, backUp)
}

func pamGone(_ context.Context, _ *Host) ([]Finding, error) {
	found, err := editPAM("has our block", "removed", stripBlock, func([]byte) error { return nil })
	if _, statErr := os.Lstat(backupDir); err == nil && statErr == nil {
		found = append(found, Finding{
			Text: fmt.Sprintf("the backup in %q is not needed any more", backupDir), Fix: "removed",
			do: func(context.Context) error { return os.RemoveAll(backupDir) },
		})
	}
	return found, err
}

// editPAM plans one edit of the su stack.
func editPAM(text, fix string, edit func([]byte) ([]byte, error), before func([]byte) error) ([]Finding, error) {
	path, err := filepath.EvalSymlinks(pamFile)
	if errors.Is(err, os.ErrNotExist) {
		return []Finding{{Text: fmt.Sprintf("there is no %q, so no su to set up; the agent uses sudo", pamFile)}}, nil
	}
	if err != nil {
		return nil, err
	}
	change := func() (is, want []byte, err error) {
		if is, err = os.ReadFile(path); err == nil {
			want, err = edit(is)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("editing %q: %w", path, err)
		}
		return is, want, nil
	}
	is, want, err := change()
	if err != nil || bytes.Equal(is, want) {
		return nil, err
	}
	return []Finding{{Text: fmt.Sprintf("%q %s", path, text), Fix: fix, do: func(context.Context) error {
		is, want, err := change() // as it is by now
		if err != nil {
			return err
		}
		if err := before(is); err != nil {
			return err
		}
		return replace(path, is, want)
	}}}, nil
}

// backUp keeps the file as it was before we changed it first.
func backUp(text []byte) error {
	original, err := stripBlock(text)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(backupDir, 0o700); err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	path := filepath.Join(backupDir, "pam.d-su")
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	return atomicfile.WriteFile(path, original, 0o600)
}
