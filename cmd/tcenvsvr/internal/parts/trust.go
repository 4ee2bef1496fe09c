package parts

import (
	"context"
	"errors"
	"fmt"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
)

// TrustSources are the places that CAs come from by the settings.
func TrustSources(p paths.Paths, s settings.Settings) certs.Sources {
	java, pythons := Execution(s).Interpreters()
	return certs.Sources{Added: p.Certs, Drops: p.CertsDrop, Cloud: p.CloudCA, Java: java, Pythons: pythons}
}

// Readable returns a proof that the sandbox user can read files; nil where jobs run as our own
// user.
func (j *Jobs) Readable() func(ctx context.Context, files []string) error {
	if j.user == "" {
		return nil
	}
	return func(ctx context.Context, files []string) error {
		err := j.Executor.Readable(ctx, files)
		if err == nil || errors.Is(err, job.ErrUnreadable) {
			return err
		}
		return fmt.Errorf("%w: %w", certs.ErrUnproved, err)
	}
}
