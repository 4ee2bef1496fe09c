package doctor

import (
	"context"
	"errors"

	"tcenvsvr/agent/app/policy"
)

// customerPolicy looks at the customer's policy, and at what the running agent says of it.
func customerPolicy(_ context.Context, t *target) outcome {
	path := t.Paths.Policy
	p := policy.NewFile(path).Policy()
	switch removable := policy.Removable(path); {
	case p.Err() != nil:
		return fail(`mend it as root; "tcenvsvr policy show --policy DRAFT" tries a draft. It counts at once`, "every order is denied: %s", oneLine(p.Err()))
	case errors.Is(removable, errors.ErrUnsupported):
		return skip("this system has none")
	case removable != nil:
		return warn("make the folder root's alone, as the package does", "who can change the folder can take the policy away, and then everything is allowed: %s", oneLine(removable))
	case p.Absent():
		return warn(`write one ("tcenvsvr help policy" has an example), and try it with "tcenvsvr policy show --policy DRAFT"`, "there is none (%s): the cloud alone decides which Apps run here", path)
	}
	if s := t.status.Policy; t.statusErr == nil && s.Path != "" && s.Path != path {
		return warn("compare TCENVSVR_POLICY in the service's environment", "the agent goes by another one: %s", s.Path)
	}
	if problem := t.status.Policy.SignedProblem; problem != "" {
		return fail(`"tcenvsvr status" has more`, "signed orders are refused: %s", problem)
	}
	if advice := p.Advice(); len(advice) > 0 {
		return ok("%s; %d notes, see \"tcenvsvr policy show\"", path, len(advice))
	}
	return ok("%s", path)
}
