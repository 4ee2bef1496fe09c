//go:build !linux

package audit

// loginUser is not remembered by other systems.
func loginUser() string { return "" }
