package stage

import (
	"debug/elf"
	"fmt"
	"os"
)

// Break makes a program die of its first instruction; all that is looked at before stays.
func Break(file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && f.Entry >= p.Vaddr && f.Entry < p.Vaddr+p.Filesz {
			w, err := os.OpenFile(file, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = w.WriteAt([]byte{0x0f, 0x0b, 0, 0}, int64(f.Entry-p.Vaddr+p.Off)) // ud2; no instruction on arm64 either
			if closeErr := w.Close(); err == nil {
				err = closeErr
			}
			return err
		}
	}
	return fmt.Errorf("%q has no entry", file)
}
