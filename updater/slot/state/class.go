package state

import (
	"strconv"
	"strings"
)

// Class says whose fault the end of a program was, and so what it costs.
type Class string

// The classes of ends.
const (
	Clean       Class = "clean"       // it was told to stop, or asked for a restart
	Crash       Class = "crash"       // three tries
	Hang        Class = "hang"        // one try: each costs the whole time limit
	Policy      Class = "policy"      // this host does not let it run; not its fault
	Environment Class = "environment" // the host was not ready; not its fault
	Undone      Class = "undone"      // the administrator went back
	Revoked     Class = "revoked"     // the publisher took the release back
)

// Exit is how the service manager says that a service ended: $SERVICE_RESULT,
// $EXIT_CODE and $EXIT_STATUS of systemd.exec(5).
type Exit struct{ Result, Code, Status string }

// restartMe is the exit code with which the agent asks to be started again.
const restartMe = 75

// Class judges an end.
func (e Exit) Class() Class {
	switch e.Result {
	case "success":
		return Clean
	case "timeout", "watchdog":
		return Hang
	case "resources", "start-limit-hit", "exec-condition":
		return Environment
	}
	if status, err := strconv.Atoi(e.Status); err == nil && e.Code == "exited" {
		switch {
		case status == restartMe:
			return Clean
		case status == 203 || status == 228 || status == 229 || status == 231:
			return Policy // EXEC SECCOMP SELINUX_CONTEXT APPARMOR_PROFILE
		case status >= 200 && status <= 245:
			return Environment // systemd could not set the process up
		}
	}
	return Crash
}

// String is for people: bounded, whatever the variables contain.
func (e Exit) String() string {
	return strings.Join([]string{word(e.Result), word(e.Code), word(e.Status)}, " ")
}

// word keeps of s what the service manager's words are made of.
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
