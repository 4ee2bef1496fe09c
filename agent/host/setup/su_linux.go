package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
)

const (
	pamFile = "/etc/pam.d/su"
	// backupDir is not in /etc/pam.d, where every file is a service.
	backupDir = "/var/lib/threatconnect-envsvr-host"
)

// pamDirs are where libpam looks for services; the first that has one wins.
var pamDirs = []string{"/etc/pam.d", "/usr/lib/pam.d"}

// byHand is for whoever wants more of a su file than we may do to it.
const byHand = "who wants su all the same writes these lines above the one that refuses, where no other line's jump counts them:\n" + blockLines

// pamBlock has the agent's user become the sandbox user by su, if that costs nobody anything.
func pamBlock(ctx context.Context, _ *Host) ([]Finding, error) {
	path, is, err := readSu()
	if errors.Is(err, os.ErrNotExist) {
		return []Finding{{Text: fmt.Sprintf("there is no %q, so no su to set up; the agent uses sudo", pamFile)}}, nil
	}
	if err != nil {
		return nil, err
	}
	plain, err := stripBlock(is)
	if err != nil {
		return nil, fmt.Errorf("editing %q: %w", path, err)
	}
	s := newStack(path)
	want, err := s.insertBlock(is)
	if err != nil {
		f := Finding{Text: fmt.Sprintf("%q is left without our lines (the agent uses sudo, so nothing depends on su): %v", path, err), Hand: byHand}
		return append(takeOut(path, is, plain, err), f), nil
	}
	found, useful, err := s.prove(ctx, plain, want)
	if err != nil {
		f := Finding{Text: fmt.Sprintf("with our lines in %q, %v", path, err), Hand: byHand}
		return append(takeOut(path, is, plain, err), f), nil
	}
	switch has := len(plain) < len(is); {
	case bytes.Equal(is, want) || !useful && !has:
		return found, nil
	case has:
		return append(found, edit(path, is, want, "has our block where a jump counts it, or changed", "moved to where none does")), nil
	default:
		return append(found, edit(path, is, want, "lacks the block that lets "+Agent+" become "+Sandbox, "inserted")), nil
	}
}

// takeOut plans that our block goes, if it is there.
func takeOut(path string, is, plain []byte, why error) []Finding {
	if bytes.Equal(is, plain) {
		return nil
	}
	return []Finding{edit(path, is, plain, fmt.Sprintf("has our block where it must not be (%v)", why), "taken out")}
}

func pamGone(context.Context, *Host) ([]Finding, error) {
	var found []Finding
	path, is, err := readSu()
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = nil
	case err == nil:
		var plain []byte
		if plain, err = stripBlock(is); err != nil {
			err = fmt.Errorf("editing %q: %w", path, err)
		} else if !bytes.Equal(is, plain) {
			found = append(found, edit(path, is, plain, "has our block", "removed"))
		}
	}
	if _, statErr := os.Lstat(backupDir); err == nil && statErr == nil {
		found = append(found, Finding{
			Text: fmt.Sprintf("the backup in %q is not needed any more", backupDir), Fix: "removed",
			do: func(context.Context) error { return os.RemoveAll(backupDir) },
		})
	}
	return found, err
}

// edit plans one edit of the su file, as it was when it was judged.
func edit(path string, is, want []byte, text, fix string) Finding {
	return Finding{Text: fmt.Sprintf("%q %s", path, text), Fix: fix, do: func(context.Context) error {
		if err := backUp(is); err != nil {
			return err
		}
		return replace(path, is, want)
	}}
}

func readSu() (path string, text []byte, err error) {
	if path, err = filepath.EvalSymlinks(pamFile); err == nil {
		text, err = os.ReadFile(path)
	}
	return path, text, err
}

func newStack(path string) *stack {
	return &stack{path: path, files: openPAM, services: pamServices()}
}

// openPAM finds a service or an include where libpam does.
func openPAM(name string) (path string, text []byte, err error) {
	if filepath.IsAbs(name) {
		path, err = filepath.EvalSymlinks(name)
	} else {
		for _, dir := range pamDirs {
			if path, err = filepath.EvalSymlinks(dir + "/" + name); err == nil {
				break
			}
		}
	}
	if err != nil {
		return "", nil, err
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", nil, errors.Join(fmt.Errorf("%q is no file", path), err)
	}
	text, err = os.ReadFile(path)
	return path, text, err
}

// pamServices are all services of this host: any of them may include su.
func pamServices() []string {
	services := []string{"su"}
	for _, dir := range pamDirs {
		all, _ := fs.ReadDir(os.DirFS(dir), ".") // a folder that is not there has none
		for _, file := range all {
			if _, _, err := openPAM(file.Name()); err == nil && file.Name() != "su" {
				services = append(services, file.Name())
			}
		}
	}
	return services
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
