package setup

import (
	"context"

	"tcenvsvr/agent/host/pam"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/host/sudoers"
)

// steps are in the order in which they need each other.
var steps = []step{
	{"users", users, nil},
	{"programs", programs, nil},
	{"access", access, nil},
	{"folders", folders, nil},
	{"state", stateFiles, nil},
	{"settings", sandboxSetting, nil},
	{"sudoers", of(sudoers.PlanWrite), unpackaged(sudoers.PlanRemove)},
	{"sudo", of(sudoers.Prove), nil},
	{"su", of(pam.PlanInsert), of(pam.PlanRemove)},
	{"runtime", runtimePaths, runtimeRemoval},
	{"fapolicyd", fapolicyd, fapolicydRemoval},
	{"labels", labels, nil},
}

// of is a look that does not depend on where the home is.
func of(f func(context.Context) ([]plan.Finding, error)) look {
	return func(ctx context.Context, _ *Host) ([]plan.Finding, error) { return f(ctx) }
}

// unpackaged is a look at a file that is left to the package, where there is one.
func unpackaged(f func(context.Context) ([]plan.Finding, error)) look {
	return func(ctx context.Context, h *Host) ([]plan.Finding, error) {
		if h.Packaged {
			return nil, nil
		}
		return f(ctx)
	}
}
