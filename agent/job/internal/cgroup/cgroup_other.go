//go:build !linux

package cgroup

import (
	"errors"
	"syscall"
)

// Group does not exist here; a nil Group does nothing.
type Group struct{}

// New returns [errors.ErrUnsupported].
func New() (*Group, error) { return nil, errors.ErrUnsupported }

// Lasts is true.
func Lasts(error) bool { return true }

// Set does nothing.
func (*Group) Set(Limits) error { return nil }

// Again is false.
func (*Group) Again([]int) bool { return false }

// Controllers is empty.
func (*Group) Controllers() []string { return nil }

// Limits is false.
func (*Group) Limits(string) bool { return false }

// Start calls fork.
func (*Group) Start(_ *syscall.SysProcAttr, fork func() (int, error)) (int, error) { return fork() }

// Move does nothing.
func (*Group) Move(int) error { return nil }

// Kill does nothing.
func (*Group) Kill() {}

// OOMKills is 0.
func (*Group) OOMKills() uint64 { return 0 }

// Close does nothing.
func (*Group) Close() {}

// Mount is "".
func (*Group) Mount() string { return "" }

// HostOOMKills is 0.
func HostOOMKills() uint64 { return 0 }
