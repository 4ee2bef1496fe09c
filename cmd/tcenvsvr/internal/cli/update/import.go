package update

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/zipdir"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/installation"
	"tcenvsvr/updater"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
)

func importCommand(e *env.Env) *cobra.Command {
	c := &cobra.Command{
		Use: "import FILE", Short: "install a release from a file, without the cloud", Args: cli.Exactly(1, "the bundle's file"),
		Long: `Import verifies an offline bundle ("tcrelease update-repo bundle") exactly like a download
and asks for its newest release for this host to be installed, then prints what became of
that. What this host would not install, such as an older release, is refused at once. Run it as
the agent's user.

  sudo -u threatconnect tcenvsvr update import update-1.4.2.zip`,
		RunE: func(c *cobra.Command, args []string) error { return runImport(c.Context(), e, args[0]) },
	}
	e.Reads(c, func(args []string) []string { return args })
	return c
}

// maxDirectory bounds a bundle's list of its files, in bytes.
const maxDirectory = 8 << 20

func runImport(ctx context.Context, e *env.Env, file string) error {
	p, err := e.Paths()
	if err != nil {
		return err
	}
	self, err := installation.Program()
	if err != nil {
		return err
	}
	at := handover.PathsFor(p.Home, self)
	root, err := os.ReadFile(at.Root)
	if err != nil {
		return fmt.Errorf("reading the root of trust of updates: %w", err)
	}
	f, err := e.Open(file)
	if err != nil {
		return fmt.Errorf("reading bundle: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading bundle: %w", err)
	}
	z, err := zipdir.Open(f, info.Size(), maxDirectory)
	if err != nil {
		return fmt.Errorf("reading bundle %q: it is no zip file: %w", file, err)
	}
	files, err := fs.Sub(z, "metadata")
	if err != nil {
		return fmt.Errorf("reading bundle %q: %w", file, err)
	}
	trusted, err := metadata.Client{
		Root: root, Dir: handover.MetadataDir(at.Inbox), Source: metadata.FS{FS: files}, Built: build.Time(),
	}.Refresh(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("verifying bundle %q: %w\nhint: it is no bundle of \"tcrelease update-repo bundle\", or not a whole one", file, err)
	}
	if err != nil {
		return fmt.Errorf("verifying bundle %q: %w", file, err)
	}
	rel, data, err := newest(z, trusted)
	if err != nil {
		return fmt.Errorf("reading bundle %q: %w", file, err)
	}
	if err := acceptable(at, rel); err != nil {
		return err
	}
	if err := place(at, rel, data); err != nil {
		return fmt.Errorf("importing release %s: %w", rel.Version, err)
	}
	return requestInstall(ctx, e, at, p.Control, rel)
}

// newest returns the newest release for this host whose program is in the bundle, and the program.
func newest(z *zip.Reader, trusted *metadata.Trusted) (release.Release, []byte, error) {
	for _, rel := range trusted.For(runtime.GOOS, runtime.GOARCH) {
		data, err := fs.ReadFile(z, "targets/"+rel.File())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return rel, nil, err
		}
		return rel, data, rel.Verify(data)
	}
	return release.Release{}, nil, fmt.Errorf("it has no release for %s/%s", runtime.GOOS, runtime.GOARCH)
}

// acceptable refuses at once what root's side would refuse later, when nobody looks.
func acceptable(at handover.Paths, rel release.Release) error {
	root, err := handover.ReadStatus(at.Status)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // not there: root's side never ran, so nothing is known against it
		return err
	}
	now := cmp.Or(root.Active, build.Version())
	_, reason := updater.Obstacle(root, now, rel)
	switch {
	case reason != "":
	case root.Pin != "" && release.Compare(root.Pin, rel.Version) != 0:
		reason = fmt.Sprintf("only version %s is taken here; \"tcenvsvr update pin %s\" changes that", root.Pin, rel.Version)
	case rel.MinFrom != "" && release.Compare(now, rel.MinFrom) < 0:
		reason = fmt.Sprintf("it replaces %s and later, %s runs here; import one between them first", rel.MinFrom, now)
	default:
		return nil
	}
	return fmt.Errorf("release %s is not installed: %s", rel.Version, reason)
}

// place puts the program into the inbox and removes any other: root's side installs the newest one.
func place(at handover.Paths, rel release.Release, program []byte) error {
	if err := handover.RemoveArtifacts(at.Inbox); err != nil {
		return err
	}
	return atomicfile.WriteFile(handover.ArtifactFile(at.Inbox, rel.SHA256), program, 0o600)
}
