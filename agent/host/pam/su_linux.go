package pam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup/plan"
)

// File is the PAM file that is edited.
const File = "/etc/pam.d/su"

// backupDir is not in /etc/pam.d, where every file is a service.
const backupDir = layout.HostState

// pamDirs are where libpam looks for services; the first that has one wins.
var pamDirs = []string{"/etc/pam.d", "/usr/lib/pam.d"}

// byHand is what an administrator can do who wants more of su than we may change.
const byHand = "who wants su all the same writes these lines above the one that refuses, where no other line's jump counts them:\n" + blockLines

// PlanInsert finds whether the su file has the block, and where to insert it. Where there is no
// place at which it changes nothing for others, the finding is only a note, and a block that is
// there is taken out.
func PlanInsert(ctx context.Context) ([]plan.Finding, error) {
	path, is, err := readSu()
	if errors.Is(err, os.ErrNotExist) {
		return []plan.Finding{{Text: fmt.Sprintf("there is no %q, so no su to set up; the agent uses sudo", File)}}, nil
	}
	if err != nil {
		return nil, err
	}
	plain, err := stripBlock(is)
	if err != nil {
		return nil, fmt.Errorf("editing %q: %w", path, err)
	}
	s := newStack(path)
	var found []plan.Finding
	useful := false
	want, err := s.insertBlock(is)
	if err == nil {
		found, useful, err = s.prove(ctx, plain, want)
	}
	if err != nil {
		f := plan.Finding{Text: fmt.Sprintf("%q is left without our lines (the agent uses sudo, so nothing depends on su): %v", path, err), Hand: byHand}
		return append(takeOut(path, is, plain, err), f), nil
	}
	switch has := len(plain) < len(is); {
	case bytes.Equal(is, want) || !useful && !has:
		return found, nil
	case has:
		return append(found, edit(path, is, want, "has our block where a jump counts it, or changed", "moved to where none does")), nil
	default:
		return append(found, edit(path, is, want, "lacks the block that lets "+layout.Agent+" become "+layout.Sandbox, "inserted")), nil
	}
}

// takeOut plans to remove the block, if it is there.
func takeOut(path string, is, plain []byte, why error) []plan.Finding {
	if bytes.Equal(is, plain) {
		return nil
	}
	return []plan.Finding{edit(path, is, plain, fmt.Sprintf("has our block where it must not be (%v)", why), "taken out")}
}

// PlanRemove finds the block and the backup, and how to remove both.
func PlanRemove(context.Context) ([]plan.Finding, error) {
	var found []plan.Finding
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
		found = append(found, plan.Finding{
			Text: fmt.Sprintf("the backup in %q is not needed any more", backupDir), Fix: "removed",
			Do: func(context.Context) error { return os.RemoveAll(backupDir) },
		})
	}
	return found, err
}

// edit plans one edit of the su file, which must still be as it was when it was examined.
func edit(path string, is, want []byte, text, fix string) plan.Finding {
	return plan.Finding{Text: fmt.Sprintf("%q %s", path, text), Fix: fix, Do: func(context.Context) error {
		if err := backUp(is); err != nil {
			return err
		}
		return replace(path, is, want)
	}}
}

func readSu() (path string, text []byte, err error) {
	if path, err = filepath.EvalSymlinks(File); err == nil {
		text, err = os.ReadFile(path)
	}
	return path, text, err
}

func newStack(path string) *stack {
	return &stack{path: path, files: openPAM, services: pamServices()}
}

// openPAM finds a service or an included file where libpam finds it.
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
		return "", nil, errors.Join(fmt.Errorf("%q is not a file", path), err)
	}
	text, err = os.ReadFile(path)
	return path, text, err
}

// pamServices are all services of this host: any of them may include the su file.
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

// backUp keeps the file as it was before our first change.
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
