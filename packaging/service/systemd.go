package service

import "strings"

// Standalone is [Unit] for hosts without the package. It leaves out the units of self-update, which
// only the package installs, and root's part of self-update; so systemd itself has to pause between
// two starts.
func Standalone() string {
	var lines []string
	for line := range strings.Lines(Unit) {
		switch key, value, _ := strings.Cut(line, "="); {
		case key == "Wants" && strings.HasPrefix(value, "threatconnect-envsvr-"), key == "ExecStartPre", key == "ExecStopPost":
			continue
		case key == "RestartSec":
			line = "RestartSec=1\n"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}
