package state

import (
	"strconv"
	"strings"

	"tcenvsvr/updater/handover"
)

// Exit is how a service ended, in the words of the service manager: $SERVICE_RESULT, $EXIT_CODE and
// $EXIT_STATUS of systemd.exec(5).
type Exit struct{ Result, Code, Status string }

// Class says why the service ended.
func (e Exit) Class() handover.Class {
	switch e.Result {
	case "success":
		return handover.Clean
	case "timeout", "watchdog":
		return handover.Hang
	case "resources", "start-limit-hit", "exec-condition":
		return handover.Environment
	}
	if status, err := strconv.Atoi(e.Status); err == nil && e.Code == "exited" {
		switch {
		case status == handover.ExitRestart:
			return handover.Clean
		case status == 203 || status == 228 || status == 229 || status == 231:
			return handover.Policy // EXEC SECCOMP SELINUX_CONTEXT APPARMOR_PROFILE
		case status >= 200 && status <= 245:
			return handover.Environment // systemd could not set the process up
		}
	}
	return handover.Crash
}

// String is for people. It is short and printable, whatever the variables contain.
func (e Exit) String() string {
	return strings.Join([]string{word(e.Result), word(e.Code), word(e.Status)}, " ")
}

// word keeps the letters, digits and dashes of s, and at most 24 of them.
func word(s string) string {
	if len(s) > 24 {
		s = s[:24]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "-"
	}
	return s
}
