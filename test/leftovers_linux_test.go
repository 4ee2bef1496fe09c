package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// processesIn lists the processes whose program or current folder is in the folder: those that a
// test started, for it made the folder.
func processesIn(folder string) map[int]string {
	found := map[int]string{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		for _, link := range []string{"exe", "cwd"} {
			at, err := os.Readlink(filepath.Join("/proc", e.Name(), link))
			if err == nil && strings.HasPrefix(at, folder+"/") {
				found[pid] = fmt.Sprintf("%s %s", link, at)
			}
		}
	}
	return found
}

// killAllIn kills them until none is left, for some start others.
func killAllIn(folder string) {
	for range 100 {
		left := processesIn(folder)
		if len(left) == 0 {
			return
		}
		for pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
