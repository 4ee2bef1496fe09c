package bytecode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tcenvsvr/agent/app/seal"
)

// Mend compares the bytecode in the installation dir with r by its contents. It removes what is not
// as it was recorded, and what is not recorded, which changes no App: Python compiles the source
// instead. It returns the record of what is left, and what was wrong with what is recorded, "" if
// nothing was. Else what is left counts as compiled for no interpreter, so that it is compiled
// again.
func Mend(ctx context.Context, dir string, r *Record) (left *Record, wrong string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	left = &Record{Interpreter: r.Interpreter}
	recorded := make(map[string]bool, len(r.Files)+len(r.Brought))
	sound := func(list []seal.File) (kept []seal.File, err error) {
		for _, want := range list {
			recorded[want.Name] = true
			got, err := contentOf(ctx, root, want)
			if err == nil && got == want {
				kept = append(kept, want)
				continue
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err == nil {
				err = errors.New("its content is another")
			}
			wrong = cmp.Or(wrong, fmt.Sprintf("%q: %v", want.Name, err))
			left.Interpreter = ""
			if err := root.Remove(want.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
		return kept, nil
	}
	if left.Files, err = sound(r.Files); err != nil {
		return nil, wrong, err
	}
	if left.Brought, err = sound(r.Brought); err != nil {
		return nil, wrong, err
	}
	err = seal.Bytecode(dir, func(name string, _ fs.FileInfo) error {
		if recorded[name] {
			return nil
		}
		return root.Remove(name)
	})
	if err != nil {
		return nil, wrong, err
	}
	looks, err := seal.Look(dir)
	left.Look = looks.Bytecode
	return left, wrong, err
}

// contentOf describes a file as it is now, and does not read one of another size.
func contentOf(ctx context.Context, root *os.Root, want seal.File) (seal.File, error) {
	info, err := root.Lstat(want.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return seal.File{}, errors.New("it is missing")
	case err != nil:
		return seal.File{}, err
	case !info.Mode().IsRegular():
		return seal.File{}, errors.New("it is no file")
	case info.Size() != want.Size:
		return seal.File{}, fmt.Errorf("it has %d bytes instead of %d", info.Size(), want.Size)
	}
	return seal.Content(ctx, root.Name(), want.Name)
}
