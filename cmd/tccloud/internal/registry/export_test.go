package registry

import "context"

// ResumeDue is a round of Run.
func ResumeDue(ctx context.Context, r *Registry, s Sessions) { r.resume(ctx, s) }
