package doctor

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

func trusted(_ context.Context, p *patient) said {
	if p.harvestErr != nil {
		return fail("restore the host's CAs: update-ca-trust", "%s", oneLine(p.harvestErr))
	}
	private := len(p.harvest.Roots) - p.harvest.Public
	switch {
	case len(p.harvest.Problems) > 0:
		return warn(`see "tcenvsvr certs check"`, "%d public and %d private CAs; %s", p.harvest.Public, private, oneLine(p.harvest.Problems[0]))
	case p.harvest.Public == 0:
		return warn("install ca-certificates", "%d private CAs and none of the host's", private)
	}
	return ok("%d public and %d private CAs", p.harvest.Public, private)
}

// storesReadable reads the set that jobs get as who runs them.
func storesReadable(ctx context.Context, p *patient) said {
	dir, err := filepath.EvalSymlinks(filepath.Join(p.Paths.Trust, "current"))
	if errors.Is(err, os.ErrNotExist) {
		return skip(`there are none yet: the agent, or "tcenvsvr certs build", makes them`)
	}
	if err != nil {
		return fail(`run "tcenvsvr certs build"`, "%v", err)
	}
	jobs, err := parts.NewJobs(p.settings, p.Paths.State, slog.New(slog.DiscardHandler))
	if err != nil {
		return skip("%s", oneLine(err))
	}
	readable := jobs.Readable()
	if readable == nil {
		return ok("%q, read by the agent's own user", dir)
	}
	var files []string
	for _, name := range []string{certs.PEMFile, certs.JKSFile, certs.P12File} {
		files = append(files, filepath.Join(dir, name))
	}
	switch err := readable(ctx, files); {
	case errors.Is(err, certs.ErrUnproved):
		return skip("%s cannot be asked: %s", p.settings.SandboxUser, oneLine(err))
	case err != nil:
		return fail("every folder above must let the sandbox user pass: chmod o+x", "%s", oneLine(err))
	}
	return ok("%q, read as %s", dir, p.settings.SandboxUser)
}
