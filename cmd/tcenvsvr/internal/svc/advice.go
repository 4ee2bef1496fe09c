package svc

import "os"

// wanted exists if systemd starts the package's service with the host.
const wanted = "/etc/systemd/system/multi-user.target.wants/" + Name + ".service"

// WithHost reports whether the package's service starts with the host. The package leaves that to
// the administrator, because a server that is not enrolled has nothing to do.
func WithHost() bool {
	_, err := os.Lstat(wanted)
	return err == nil
}

// RestartAdvice is the command by which root restarts the service.
func RestartAdvice() string {
	if Packaged() {
		return "systemctl restart " + Name
	}
	return "tcenvsvr service restart"
}

// Advice is the command by which root starts the service so that it also starts with the host.
func Advice() string {
	switch {
	case Packaged() && WithHost():
		return "systemctl start " + Name
	case Packaged():
		return "systemctl enable --now " + Name
	}
	if s, err := New(Spec{Program: "/usr/bin/tcenvsvr", Home: "/", User: "x"}); err == nil {
		if _, err := s.Running(); err == nil {
			return "tcenvsvr service start"
		}
	}
	return "tcenvsvr service install && tcenvsvr service start"
}
