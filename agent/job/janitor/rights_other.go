//go:build !linux

package janitor

import (
	"fmt"
	"os"
)

// rights are what folders in dir inherit, as far as it is known here, as a text to compare.
func rights(dir string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Mode())
}
