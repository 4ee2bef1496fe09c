//go:build !linux

package doctor

import (
	"context"
	"runtime"
)

func none(context.Context, *target) outcome { return skip("%s has none", runtime.GOOS) }

var noexec, selinux, fips, firewall = none, none, none, none
