package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcrelease/internal/cli/key"
	"tcenvsvr/cmd/tcrelease/internal/compile"
	"tcenvsvr/packaging"
	"tcenvsvr/packaging/pgp"
)

// release is one run of `tcrelease package`.
type release struct {
	source, out, root string
	version, commit   string
	time              string
	arches            []string
	linuxOnly         bool
	only              []string
	unsigned          bool
	keys              key.Flags

	at    time.Time
	key   *pgp.Key
	built compile.Target // whose programs lie beside the documents
}

func packageCommand() *cobra.Command {
	r := &release{}
	c := &cobra.Command{
		Use:   "package --key FILE",
		Short: "build the programs and make signed packages of them",
		Long: "Package builds the programs and writes rpm, deb and tar.gz for Linux, a zip for Windows, SBOMs and SHA256SUMS.\n" +
			"Without --version it is a snapshot of the commit, which sorts before the next release.\n\n" +
			"  tcrelease package --key release.key --version 1.0.0\n" +
			"  tcrelease package --key test.key --arch amd64 --linux-only --out /srv/envsvr",
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			files, err := r.build(c.Context())
			for _, file := range files {
				fmt.Fprintln(c.OutOrStdout(), file)
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&r.source, "source", ".", "folder of the source")
	f.StringVarP(&r.out, "out", "o", "dist", "folder for the packages")
	f.StringVar(&r.version, "version", "", "semantic version; the newest in packaging/changelog.yaml")
	f.StringVar(&r.commit, "commit", "", "commit that is built; git is asked without")
	f.StringVar(&r.time, "time", "", "time of the commit, as 2026-01-02T03:04:05Z")
	f.StringVar(&r.root, "root", "", "root.json of the update repository, which the packages then trust")
	f.StringSliceVar(&r.arches, "arch", []string{"amd64", "arm64"}, "architectures")
	f.BoolVar(&r.linuxOnly, "linux-only", false, "no zip for Windows")
	f.StringSliceVar(&r.only, "only", nil, "kinds of packages: rpm, deb, tar.gz, zip; all without")
	f.BoolVar(&r.unsigned, "unsigned", false, "no signatures; nothing will install such packages")
	r.keys.Add(c)
	return c
}

// build makes all packages and returns the files that it wrote, also when it fails.
func (r *release) build(ctx context.Context) ([]string, error) {
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "tcrelease-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	documents := filepath.Join(temp, "documents")
	if err := r.makeDocuments(ctx, documents); err != nil {
		return nil, err
	}
	var made []string
	for _, t := range r.targets() {
		stage := filepath.Join(temp, t.OS+"-"+t.Arch)
		files, err := r.packTarget(ctx, t, documents, stage)
		if err != nil {
			return made, err
		}
		made = append(made, files...)
	}
	sums, err := r.writeSums(made)
	return append(made, sums...), err
}

// prepare fixes version, time and key, so that a mistake in them ends the command before the slow
// part.
func (r *release) prepare(ctx context.Context) error {
	if err := r.setVersion(ctx); err != nil {
		return err
	}
	if !r.unsigned {
		key, err := r.keys.Read()
		if err != nil {
			return err
		}
		r.key = key.At(r.at)
	}
	return os.MkdirAll(r.out, 0o755)
}

// setVersion finds the commit, its time, and the version, which must be the newest of the changelog
// or a prerelease.
func (r *release) setVersion(ctx context.Context) error {
	dirty := false
	if r.commit == "" || r.time == "" {
		rev, err := compile.FindRevision(ctx, r.source)
		if err != nil {
			return err
		}
		r.commit, r.at, dirty = rev.Commit, rev.Time, rev.Dirty
	} else {
		at, err := time.Parse(time.RFC3339, r.time)
		if err != nil {
			return cli.Usage("--time: %w", err)
		}
		r.at = at.UTC()
	}
	next, err := packaging.Released()
	if err != nil {
		return err
	}
	switch {
	case r.version == "":
		r.version = next + "-dev." + r.at.Format("20060102150405")
	case packaging.Prerelease(r.version):
	case r.version != next:
		return fmt.Errorf("version %s has no entry in packaging/changelog.yaml, whose newest is %s", r.version, next)
	case dirty:
		return fmt.Errorf("releasing %s: files differ from the commit; commit them, or leave --version out for a snapshot", r.version)
	}
	return nil
}

// targets are the systems and processors that packages are made for.
func (r *release) targets() []compile.Target {
	var all []compile.Target
	for _, arch := range r.arches {
		all = append(all, r.target("linux", arch))
	}
	if !r.linuxOnly {
		all = append(all, r.target("windows", "amd64"))
	}
	return all
}

func (r *release) target(system, arch string) compile.Target {
	return compile.Target{Source: r.source, Version: r.version, Commit: r.commit, Time: r.at, OS: system, Arch: arch}
}

// makeDocuments makes what all targets share, with a program that was built for this machine.
func (r *release) makeDocuments(ctx context.Context, folder string) error {
	r.built = compile.Here(r.target("", ""))
	programs := filepath.Join(folder, "programs")
	if err := compile.Programs(ctx, r.built, programs); err != nil {
		return err
	}
	return compile.Documents(ctx, filepath.Join(programs, "tcenvsvr"), folder, r.at)
}
