package disk

import "os"

// Damages are what becomes of a file on a bad disk, or by a bad hand.
var Damages = map[string]func(path string) error{
	"emptied":   func(path string) error { return os.Truncate(path, 0) },
	"truncated": func(path string) error { return change(path, func(b []byte) []byte { return b[:min(len(b)/2, 700)] }) },
	"zeroed":    func(path string) error { return change(path, func(b []byte) []byte { clear(b); return b }) },
	"flipped": func(path string) error { // a bit here and there, the first bytes included
		return change(path, func(b []byte) []byte {
			for i := 9; i < len(b); i += 397 {
				b[i] ^= 0x10
			}
			return b
		})
	},
	"deleted": os.Remove,
}

// change writes into the file that is there, as a disk does, and leaves what others have open to
// them.
func change(path string, to func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(to(b))
	return err
}
