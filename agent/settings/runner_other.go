//go:build !linux

package settings

// sandboxed says that "appsRunner: auto" uses the sandbox user here.
const sandboxed = false
