package systemd

import (
	"embed"
	"strings"
)

// Units are all units and drop-ins of the package.
//
//go:embed *.service *.path *.timer *.socket *.conf
var Units embed.FS

// Service is the unit of the agent.
//
//go:embed threatconnect-envsvr.service
var Service string

// Alone is what of Service is for hosts without the package: without the units of
// self-update, which lie where the package puts them, and without root's part of it,
// so that the pause between two starts is systemd's.
func Alone() string {
	var lines []string
	for line := range strings.Lines(Service) {
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
