package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/outcome"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
)

// The types of the sub-packages that callers need.
type (
	Manifest      = tcx.Manifest
	Execution     = launch.Execution
	Classes       = launch.Classes
	Service       = launch.Service
	ProxySettings = launch.Proxy
	Param         = tcx.Param
	Collected     = outcome.Collected
	PublishedFile = outcome.Published
)

// ParseManifest reads an install.json.
func ParseManifest(data []byte) (Manifest, error) { return tcx.ParseManifest(data) }

// App is an App installed on this host.
type App struct {
	Dir      string // absolute; install.json lies in it
	Manifest Manifest
}

// Launch returns the command that runs the App for e. It starts and writes nothing; the job's
// folders must exist when the launch is started.
func (a App) Launch(e Execution) (job.Launch, error) { return launch.Build(a.Dir, a.Manifest, e) }

// Outcome returns what an App's exit code means; see [outcome.Outcome].
func Outcome(code int, playbook bool) wire.Outcome { return outcome.Outcome(code, playbook) }

// Collect reads the message and the results of a job that has ended. Together with an error it
// returns what could be read.
func Collect(jobDir string, m Manifest) (Collected, error) { return outcome.Collect(jobDir, m) }

// Published lists the files a job hands over. The caller closes each File.
func Published(jobDir string, m Manifest) ([]PublishedFile, error) {
	return outcome.Publish(jobDir, m)
}

// Cause returns why an App ended, from the end of its stderr; it is for an App that wrote no
// message.
func Cause(stderr string) string { return outcome.Cause(stderr) }

// InstallFile installs a package that is a file of this host.
func (c *Catalog) InstallFile(ctx context.Context, f *os.File) (App, error) {
	ref, err := RefOf(f, c.Limits)
	if err != nil {
		return App{}, err
	}
	return c.Install(ctx, ref, func(_ context.Context, offset int64) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(f, offset, ref.Size-offset)), nil
	})
}

// RefOf reads a package file and returns its Ref.
func RefOf(f *os.File, l tcx.Limits) (Ref, error) {
	m, top, err := tcx.ReadManifestOf(f, l)
	if err != nil {
		return Ref{}, wrap(err, "reading App %q", f.Name())
	}
	info, err := f.Stat()
	if err != nil {
		return Ref{}, storeError(fmt.Errorf("reading App: %w", err))
	}
	sum := sha256.New()
	n, err := io.Copy(sum, io.NewSectionReader(f, 0, info.Size()))
	if err != nil {
		return Ref{}, storeError(fmt.Errorf("reading App: %w", err))
	}
	return Ref{
		Name: versioned.ReplaceAllString(top, ""), Version: m.ProgramVersion,
		SHA256: hex.EncodeToString(sum.Sum(nil)), Size: n,
	}, nil
}
