package journal

import "os"

// fill writes zeros from one offset to another.
func fill(f *os.File, from, to int64) error {
	zero := make([]byte, 64<<10)
	for from < to {
		n, err := f.WriteAt(zero[:min(int64(len(zero)), to-from)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}
