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

func trusted(_ context.Context, t *target) outcome {
	if t.mergedErr != nil {
		return fail("restore the host's CAs: update-ca-trust", "%s", oneLine(t.mergedErr))
	}
	private := len(t.merged.Roots) - t.merged.Public
	switch {
	case t.merged.Public == 0: // one of Problems as well
		return warn("install the package ca-certificates", "%d private CAs and none of the host's", private)
	case len(t.merged.Problems) > 0:
		return warn(`see "tcenvsvr certs check"`, "%d public and %d private CAs; %s", t.merged.Public, private, oneLine(t.merged.Problems[0]))
	}
	return ok("%d public and %d private CAs", t.merged.Public, private)
}

// storesReadable reads the trust stores of jobs as the user who runs jobs.
func storesReadable(ctx context.Context, t *target) outcome {
	dir, err := filepath.EvalSymlinks(filepath.Join(t.Paths.Trust, "current"))
	if errors.Is(err, os.ErrNotExist) {
		return skip(`there are none yet: the agent, or "tcenvsvr certs build", makes them`)
	}
	if err != nil {
		return fail(`run "tcenvsvr certs build"`, "%v", err)
	}
	jobs, err := parts.NewJobs(t.settings, t.Paths.State, slog.New(slog.DiscardHandler))
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
		return skip("%s cannot be asked: %s", t.settings.SandboxUser, oneLine(err))
	case err != nil:
		return fail("every folder above must let the sandbox user pass: chmod o+x", "%s", oneLine(err))
	}
	return ok("%q, read as %s", dir, t.settings.SandboxUser)
}
