package proc

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// Names of the groups that a shim makes in a group that was delegated to it (package cgroup): its
// own, and how those of Apps begin.
const (
	ShimGroup = "tc-shim"
	JobGroup  = "tc-job-"
)

// Group is the control group of a process in systemd's hierarchy, which may be in one that a shim
// made within it; "" if it cannot be known.
func Group(pid int) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ""
	}
	return group(data)
}

func group(cgroup []byte) string {
	unified := ""
	for line := range bytes.Lines(cgroup) {
		_, rest, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		switch controllers, path, _ := strings.Cut(rest, ":"); controllers {
		case "name=systemd": // version 1, as on EL 8
			return path // a shim makes none here
		case "":
			unified = systemds(path)
		}
	}
	return unified
}

// systemds is the group that systemd made.
func systemds(path string) string {
	if dir, name, ok := cutLast(path); ok && (name == ShimGroup || strings.HasPrefix(name, JobGroup)) {
		return dir
	}
	return path
}

func cutLast(path string) (dir, name string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// ServiceGroup is this process's group if that is a service's own; else "".
func ServiceGroup() string {
	if g := Group(os.Getpid()); strings.HasSuffix(g, ".service") {
		return g
	}
	return ""
}
