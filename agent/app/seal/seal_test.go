package seal

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkLook is what the check of an App costs at each start.
func BenchmarkLook(b *testing.B) {
	for _, files := range []int{20, 1000, 10_000} {
		b.Run(fmt.Sprint(files), func(b *testing.B) {
			dir := b.TempDir()
			for i := range files {
				sub := filepath.Join(dir, fmt.Sprint("p", i/50))
				if err := os.MkdirAll(sub, 0o755); err != nil {
					b.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(sub, fmt.Sprint("m", i, ".py")), make([]byte, 10_000), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := Look(dir); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
