package quota

import (
	"testing"

	"tcenvsvr/agent/disk/space"
)

// TestRoom: first no new orders, then no writes, by bytes and by files.
func TestRoom(t *testing.T) {
	for name, tt := range map[string]struct {
		disk      space.Disk
		low, full bool
	}{
		"large":            {space.Disk{Total: 100 << 30, Free: 50 << 30}, false, false},
		"a large reserve":  {space.Disk{Total: 100 << 30, Free: mostReserve - 1}, true, false},
		"a small disk":     {space.Disk{Total: 100 << 20, Free: leastReserve}, false, false},
		"the floor":        {space.Disk{Total: 100 << 20, Free: floor - 1}, true, true},
		"few files":        {space.Disk{Total: 100 << 30, Free: 50 << 30, Files: 1000, FreeFiles: reserveFiles - 1}, true, false},
		"no files":         {space.Disk{Total: 100 << 30, Free: 50 << 30, Files: 1000, FreeFiles: floorFiles - 1}, true, true},
		"files are no end": {space.Disk{Total: 100 << 30, Free: 50 << 30, Files: 0, FreeFiles: 0}, false, false},
	} {
		r := Room{tt.disk, "/data"}
		if r.Low() != tt.low || r.Full() != tt.full {
			t.Errorf("%s: low %v, full %v: %s", name, r.Low(), r.Full(), r)
		}
	}
}
