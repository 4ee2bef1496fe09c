package proc

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// Group is the control group of a process in systemd's hierarchy; "" if it cannot be known.
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
			return path
		case "":
			unified = path
		}
	}
	return unified
}

// ServiceGroup is this process's group if that is a service's own; else "".
func ServiceGroup() string {
	if g := Group(os.Getpid()); strings.HasSuffix(g, ".service") {
		return g
	}
	return ""
}
