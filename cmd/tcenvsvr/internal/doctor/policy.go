package doctor

import (
	"context"
	"errors"
	"os"

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
	switch s := t.status.Policy; { // root may read what the agent cannot
	case t.statusErr != nil || s.Path == "":
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o044 == 0 {
			return fail("\"chmod 644 "+path+"\"", "every order is denied: only root can read it (mode %04o)", info.Mode().Perm())
		}
	case s.Path != path:
		return warn("compare TCENVSVR_POLICY in the service's environment", "the agent goes by another one: %s", s.Path)
	case s.Problem != "":
		return fail(`mend it as root; it counts at once`, "every order is denied: the agent says: %s", s.Problem)
	case s.SHA256 != p.View().SHA256:
		return warn("compare \"tcenvsvr status\" and \"sha256sum "+path+"\"; restart the service", "the agent goes by another content than this file's")
	case s.SignedProblem != "":
		return fail(`"tcenvsvr status" has more`, "signed orders are refused: %s", s.SignedProblem)
	}
	if advice := p.Advice(); len(advice) > 0 {
		return ok("%s; %d notes, see \"tcenvsvr policy show\"", path, len(advice))
	}
	return ok("%s", path)
}
