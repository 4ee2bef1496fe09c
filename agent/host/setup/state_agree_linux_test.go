package setup

import (
	"os"
	"path/filepath"
	"testing"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/paths"
)

// TestStateIsWhatTheAgentMakes: the modes that the setup gives back are those with which the agent
// makes its folders.
func TestStateIsWhatTheAgentMakes(t *testing.T) {
	p, err := paths.New(filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Create(); err != nil {
		t.Fatal(err)
	}
	for _, row := range state {
		info, err := os.Stat(filepath.Join(p.State, row.name))
		if !row.folder {
			continue // the agent makes files when it needs them
		}
		if err != nil || uint32(info.Mode().Perm()) != row.most {
			t.Errorf("%s: got %v, %v; want mode %04o", row.name, info, err, row.most)
		}
	}
	if filepath.Base(p.State) != layout.State || p.Jobs != filepath.Join(p.Home, layout.Jobs) || p.Programs != filepath.Join(p.Home, layout.Programs) {
		t.Errorf("paths and layout differ: %s, %s, %s", p.State, p.Jobs, p.Programs)
	}
}

// TestHomeIsOne: package paths cannot import package layout, and both name the home.
func TestHomeIsOne(t *testing.T) {
	if paths.DefaultHome != layout.Home {
		t.Errorf("paths has %q, layout %q", paths.DefaultHome, layout.Home)
	}
}
