package bytecode

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/app/seal"
	"tcenvsvr/agent/disk/atomicfile"
)

// Record says which bytecode lies in an installation. It is written before the bytecode gets its
// names: no bytecode is ever there that no record tells of, but for what somebody else put there.
type Record struct {
	// Interpreter is the identity of the one that all was compiled for; "" = some was not, or is
	// not in its place yet.
	Interpreter string `json:"interpreter,omitempty"`
	// Look is what the file system must report of all of it (package seal); "" until it is in its
	// place.
	Look    string      `json:"look,omitempty"`
	Files   []seal.File `json:"files,omitempty"`   // that we compiled
	Brought []seal.File `json:"brought,omitempty"` // that came with the package, and stay
	Sum     string      `json:"sum"`               // of the fields above
}

// maxRecord bounds the file of a record in bytes.
const maxRecord = 64 << 20

// ErrBroken means that a record is not what was written.
var ErrBroken = errors.New("the record of its bytecode is damaged")

// errNotPlain means that something is no regular file, or too large.
var errNotPlain = errors.New("it is no plain file of a sensible size")

// Brought records the bytecode that lies in an App's folder as it was unpacked.
func Brought(ctx context.Context, dir string) (*Record, error) {
	looks, err := seal.Look(dir)
	if err != nil || looks.Bytecode == "" {
		return &Record{}, err
	}
	r := &Record{Look: looks.Bytecode}
	err = seal.Bytecode(dir, func(name string, _ fs.FileInfo) error {
		f, err := seal.Content(ctx, dir, name)
		r.Brought = append(r.Brought, f)
		return err
	})
	return r, err
}

// empty reports whether there is nothing to record.
func (r *Record) empty() bool {
	return r.Interpreter == "" && len(r.Files) == 0 && len(r.Brought) == 0
}

// Write keeps the record in a file that only its owner reads. There is no file for no bytecode.
func (r *Record) Write(file string) error {
	if r.empty() {
		if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return atomicfile.Remove(file)
	}
	data, err := r.encode()
	if err == nil && len(data) > maxRecord {
		err = fmt.Errorf("the record of an App's bytecode would have %d bytes", len(data))
	}
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(file, data, 0o600)
}

func (r *Record) encode() ([]byte, error) {
	c := *r
	return seal.Encode(&c, &c.Sum)
}

// ReadRecord returns the record in a file, an empty one if there is none, and ErrBroken if it is
// damaged.
func ReadRecord(file string) (*Record, error) {
	data, _, err := seal.ReadFile(file, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return &Record{}, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeRecord(data)
}

// decodeRecord accepts exactly what encode writes.
func decodeRecord(data []byte) (*Record, error) {
	r := new(Record)
	if err := seal.Decode(data, r, &r.Sum); err != nil {
		return nil, ErrBroken
	}
	for _, f := range append(r.Files[:len(r.Files):len(r.Files)], r.Brought...) {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) || !seal.IsBytecode(f.Name) {
			return nil, ErrBroken
		}
	}
	return r, nil
}
