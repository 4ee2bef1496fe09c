package handover

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/plainfile"
)

// Inbox is the agent's folder as root opens it: see the rules in the package's documentation.
type Inbox struct {
	root  *os.Root
	owner int
}

// OpenInbox opens the folder dir, which must lie below home and belong to the user with the id
// owner. home must not belong to the agent's user, who could otherwise point dir anywhere.
func OpenInbox(home, dir string, owner int) (*Inbox, error) {
	name, err := filepath.Rel(home, dir)
	if err != nil {
		return nil, fmt.Errorf("opening the inbox: %w", err)
	}
	outer, err := os.OpenRoot(home)
	if err != nil {
		return nil, fmt.Errorf("opening the inbox: %w", err)
	}
	defer outer.Close()
	root, err := outer.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("opening the inbox: %w", err)
	}
	info, err := root.Stat(".")
	if err == nil && !ownedBy(info, owner) {
		err = fmt.Errorf("%q does not belong to the agent's user (id %d)", dir, owner)
	}
	if err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("opening the inbox: %w", err)
	}
	return &Inbox{root, owner}, nil
}

// Close closes the folder.
func (i *Inbox) Close() { _ = i.root.Close() }

// Consume removes a request and reports whether there was one.
func (i *Inbox) Consume(request string) (bool, error) {
	switch err := i.root.Remove(request); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("removing the request %q: %w", request, err)
	}
}

// Artifact opens the program with this SHA-256. Its content is not verified yet.
func (i *Inbox) Artifact(sum string, size int64) (*os.File, error) {
	f, info, err := i.open(artifactPrefix + sum)
	if err != nil {
		return nil, err
	}
	if info.Size() != size {
		_ = f.Close()
		return nil, fmt.Errorf("%q has %d bytes, signed are %d", info.Name(), info.Size(), size)
	}
	return f, nil
}

// Has reports whether something in the inbox has the name of that program.
func (i *Inbox) Has(sum string) bool {
	_, err := i.root.Lstat(artifactPrefix + sum)
	return err == nil
}

// RemoveArtifact removes the program with this SHA-256.
func (i *Inbox) RemoveArtifact(sum string) error { return i.root.Remove(artifactPrefix + sum) }

// ReadFile reads a file of the metadata folder. It fails when the file has more than limit bytes.
func (i *Inbox) ReadFile(name string, limit int64) ([]byte, error) {
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("%q is not the name of a file", name)
	}
	f, info, err := i.open(filepath.Join(metadataFolder, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > limit {
		return nil, fmt.Errorf("%q has %d bytes, allowed are %d", name, info.Size(), limit)
	}
	// It may grow while it is read.
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%q has more than %d bytes", name, limit)
	}
	return data, err
}

func (i *Inbox) open(name string) (*os.File, fs.FileInfo, error) {
	named, err := i.root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	// Also before it is opened: opening a device may do something.
	if err := i.check(named); err != nil {
		return nil, nil, err
	}
	f, err := i.root.OpenFile(name, os.O_RDONLY|plainfile.Flags, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(named, info) {
		err = fmt.Errorf("%q was exchanged while it was opened", name)
	}
	if err == nil {
		err = i.check(info)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func (i *Inbox) check(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is not a regular file (%s)", info.Name(), info.Mode().Type())
	case links(info) != 1:
		return fmt.Errorf("%q has %d names", info.Name(), links(info))
	case !ownedBy(info, i.owner):
		return fmt.Errorf("%q does not belong to the agent's user (id %d)", info.Name(), i.owner)
	}
	return nil
}
