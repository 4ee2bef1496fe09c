package svc

import (
	"fmt"
	"regexp"
	"strings"

	kardianos "github.com/kardianos/service"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/packaging/service"
	"tcenvsvr/updater/handover"
)

// Name is the service's on every host.
const Name = layout.Service

// Spec says what the service runs.
type Spec struct {
	Program string // absolute
	Home    string // absolute
	User    string // "" on Windows: the system's account
}

// Defaults that the texts name, line by line.
const (
	defaultHome    = layout.Home
	defaultProgram = handover.PackagedProgram
)

// plain are the names that need no quoting in any of the files.
var plain = regexp.MustCompile(`^[A-Za-z0-9/._+@-]+$`)

// check refuses what would mean something else in a unit or a script.
func (s Spec) check() error {
	for what, value := range map[string]string{"program": s.Program, "home": s.Home, "user": s.User} {
		if !plain.MatchString(value) {
			return fmt.Errorf("installing the service: the %s %q has characters that service managers interpret; want letters, digits and /._+@-", what, value)
		}
	}
	return nil
}

// Unit is the package's unit for this installation.
func (s Spec) Unit() string {
	var lines []string
	for line := range strings.Lines(service.Standalone()) {
		switch key, _, _ := strings.Cut(line, "="); {
		case key == "ExecStart":
			line = "ExecStart=" + s.Program + " run\n"
		case key == "User":
			line = "User=" + s.User + "\n"
		case key == "Group":
			continue // the user's own
		case key == "ProtectHome" && (inHomes(s.Program) || inHomes(s.Home)):
			continue // it would hide what it protects
		case !strings.HasPrefix(line, "#"):
			line = strings.ReplaceAll(line, defaultHome, s.Home)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

func inHomes(path string) bool {
	return strings.HasPrefix(path, "/home/") || strings.HasPrefix(path, "/root/") || strings.HasPrefix(path, "/run/user/")
}

// script sets the variables of a script for this installation.
func (s Spec) script(text string) string {
	for name, value := range map[string]string{"TCENVSVR_HOME": s.Home, "USER": s.User, "program": s.Program} {
		text = regexp.MustCompile(`(?m)^`+name+`=.*$`).ReplaceAllLiteralString(text, name+"="+value)
	}
	return text
}

// plist starts the launcher, which updates the agent: launchd itself chooses no programs.
func (s Spec) plist() string {
	return strings.NewReplacer(defaultProgram, s.Program, defaultHome, s.Home,
		"<string>"+layout.Agent+"</string>", "<string>"+s.User+"</string>", "<string>run</string>", "<string>launch</string>").Replace(service.Launchd)
}

// config is what kardianos needs for all hosts.
func (s Spec) config() *kardianos.Config {
	return &kardianos.Config{
		Name:        Name,
		DisplayName: "ThreatConnect Environment Server",
		Description: "Runs Apps for a ThreatConnect Dedicated Cloud.",
		Executable:  s.Program,
		Arguments:   []string{"launch", "--home", s.Home, "--log-to", "file"}, // where there is no text of ours: Windows
		Option: kardianos.KeyValue{
			"SystemdScript": s.Unit(),
			"SysvScript":    s.script(service.SysV),
			"OpenRCScript":  s.script(service.OpenRC),
			"LaunchdConfig": s.plist(),
			// Windows: started again whenever the process ends without being told to.
			"OnFailure": "restart", "OnFailureDelayDuration": "2s", "OnFailureResetPeriod": 3600,
			"DelayedAutoStart": true,
		},
	}
}
