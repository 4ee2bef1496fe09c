//go:build unix

package prompt

const terminal = "/dev/tty"
