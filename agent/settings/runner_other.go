//go:build !linux

package settings

// Sandboxed says whether Apps can run as a sandbox user on this operating system.
const Sandboxed = false
