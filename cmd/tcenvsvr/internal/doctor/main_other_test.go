//go:build !linux

package doctor

import (
	"os"
	"testing"
)

func run(m *testing.M) { os.Exit(m.Run()) }
