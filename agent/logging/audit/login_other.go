//go:build !linux

package audit

// loginUser returns "": other systems do not record it.
func loginUser() string { return "" }
