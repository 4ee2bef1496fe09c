//go:build unix && !linux

package shim

import "golang.org/x/sys/unix"

func hardenSystem() {}

func dup2(from, to int) error { return unix.Dup2(from, to) }
