package audit

import (
	"os"
	"os/user"
	"strings"
)

// loginUser returns the user who logged in, as the kernel recorded it; "" for a service.
func loginUser() string {
	text, err := os.ReadFile("/proc/self/loginuid")
	id := strings.TrimSpace(string(text))
	if err != nil || id == "" || id == "4294967295" {
		return ""
	}
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
