package compile

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Revision is the state of the source that is released.
type Revision struct {
	Commit string
	Time   time.Time
	Dirty  bool // files differ from the commit
}

// FindRevision asks git for the revision of the working copy in source.
func FindRevision(ctx context.Context, source string) (Revision, error) {
	out, err := run(ctx, nil, "git", "-C", source, "log", "-1", "--format=%H %ct")
	if err != nil {
		return Revision{}, fmt.Errorf("finding the commit (give --commit and --time where there is no git): %w", err)
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return Revision{}, fmt.Errorf("finding the commit: git says %q", out)
	}
	changes, err := run(ctx, nil, "git", "-C", source, "status", "--porcelain")
	if err != nil {
		return Revision{}, fmt.Errorf("looking for changes: %w", err)
	}
	return Revision{Commit: commit, Time: time.Unix(unix, 0).UTC(), Dirty: len(changes) > 0}, nil
}
