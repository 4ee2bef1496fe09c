package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"tcenvsvr/agent/app/policy/rootfile"
)

// Load reads the policy in the file, which must be safe. No file is an error that wraps
// [fs.ErrNotExist].
func Load(path string) (*Policy, error) {
	text, err := rootfile.Read(path, MaxSize, nil)
	if err != nil {
		return nil, fmt.Errorf("reading policy: %w", err)
	}
	return parseIn(path, text)
}

func parseIn(path string, text []byte) (*Policy, error) {
	p, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading policy %q: %w", path, err)
	}
	return p, nil
}

// Removable says who besides root could take the policy in the file away, so that everything would
// be allowed: nil if nobody can. The file need not exist.
func Removable(path string) error { return rootfile.Folders(path) }

// A File is the customer's policy as it is now. It may be used by several goroutines.
type File struct {
	path string

	mu     sync.Mutex
	seen   bool    // there was a file when it was last looked for
	text   []byte  // of policy
	policy *Policy // nil: what was last read does not count
}

// NewFile returns the policy in the file, which need not exist. Nothing is read yet.
func NewFile(path string) *File { return &File{path: path} }

// Path returns the file's path.
func (f *File) Path() string { return f.path }

// Decide applies the policy as it is now.
func (f *File) Decide(r Request) Decision { return f.Policy().Decide(r) }

// Policy returns the policy as it is now, never nil: one that allows everything if there is no
// file, and one that denies everything if it does not count, with [Policy.Err]. Use the keys and
// the decision of one Policy together. While somebody is writing the file, Policy waits, up to a
// second.
func (f *File) Policy() *Policy {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, err := f.read()
	f.seen = !errors.Is(err, fs.ErrNotExist)
	if err == nil && f.policy != nil && bytes.Equal(text, f.text) {
		return f.policy
	}
	f.text, f.policy = nil, nil
	switch {
	case !f.seen:
		return &Policy{absent: true}
	case err != nil:
		return &Policy{err: fmt.Errorf("reading policy: %w", err)}
	}
	p, err := parseIn(f.path, text)
	if err != nil {
		return &Policy{err: err}
	}
	f.text, f.policy = text, p
	return p
}

// read waits before it believes that a file is gone: some editors move it away before they write
// the new one, and that moment must not allow everything.
func (f *File) read() ([]byte, error) {
	text, err := rootfile.Read(f.path, MaxSize, f.text)
	for waited := time.Duration(0); f.seen && waited < rootfile.MaxWait && errors.Is(err, fs.ErrNotExist); waited += rootfile.Pause {
		time.Sleep(rootfile.Pause)
		text, err = rootfile.Read(f.path, MaxSize, f.text)
	}
	return text, err
}
