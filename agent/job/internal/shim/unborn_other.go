//go:build !linux

package shim

import (
	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/isolation"
)

// unborn do not exist here.
type unborn struct{}

func (*unborn) make(isolation.Level, *cgroup.Group, bool) {}

func (*unborn) end() {}

func (*unborn) room(*cgroup.Group) uint64 { return 0 }

func (*unborn) in(*cgroup.Group) []int { return nil }
