package host

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// group makes a control group of the machine's own and opens it. systemd-nspawn makes the machine's
// groups below its own group: without one for each machine, all machines would share them, and the
// end of a service in one machine would remove the group of its namesake in another.
func (h *Host) group() *os.File {
	h.t.Helper()
	mounted, err := unified()
	must(h.t, err, "looking for the cgroup2 file system")
	own, err := os.ReadFile("/proc/self/cgroup")
	must(h.t, err, "reading our control group")
	path := filepath.Join(mounted, h.name)
	for line := range bytes.Lines(own) {
		if rest, is := bytes.CutPrefix(bytes.TrimSpace(line), []byte("0::")); is {
			path = filepath.Join(mounted, string(rest), h.name)
		}
	}
	must(h.t, os.Mkdir(path, 0o755), "making the machine's control group")
	h.cgroup = path
	h.t.Cleanup(func() { removeGroups(path) })
	f, err := os.Open(path)
	must(h.t, err, "opening the machine's control group")
	return f
}

// Group is the folder of the machine's control group. No controller is on in it, but the kernel
// counts the processor time of every group.
func (h *Host) Group() string { return h.cgroup }

// unified is where cgroup2 is mounted.
func unified() (string, error) {
	for _, path := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var st unix.Statfs_t
		if unix.Statfs(path, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return path, nil
		}
	}
	return "", errors.New("cgroup2 is mounted neither at /sys/fs/cgroup nor below it")
}

// removeGroups removes a group and those below it. Their processes have ended.
func removeGroups(path string) {
	var all []string
	_ = filepath.WalkDir(path, func(dir string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			all = append(all, dir)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	for _, dir := range all {
		_ = os.Remove(dir)
	}
}
