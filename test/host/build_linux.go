package host

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

//go:embed recipe
var recipe embed.FS

// Build makes the root file system of the test machine, or finds the one made earlier by the same
// recipe, and returns its folder. Further Debian packages make it another one. It needs root,
// mmdebstrap and a source of packages.
func Build(ctx context.Context, packages ...string) (string, error) {
	digest, err := digest(packages)
	if err != nil {
		return "", fmt.Errorf("reading the recipe of the test machine: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for the test machine: %w", err)
	}
	dir := filepath.Join(cache, "tcenvsvr-host")
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return "", fmt.Errorf("finding a place for the test machine: %w", err)
	}
	unlock, err := lock(filepath.Join(dir, digest+".lock"))
	if err != nil {
		return "", fmt.Errorf("waiting for who else builds the test machine: %w", err)
	}
	defer unlock()

	root := filepath.Join(dir, digest)
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	half := root + ".part"
	if err := os.RemoveAll(half); err != nil {
		return "", fmt.Errorf("removing a half-built test machine: %w", err)
	}
	if err := build(ctx, half, packages); err != nil {
		_ = os.RemoveAll(half)
		return "", fmt.Errorf("building the test machine: %w", err)
	}
	return root, os.Rename(half, root)
}

// digest names a recipe: its files and the further packages.
func digest(packages []string) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(recipe, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := recipe.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
		return err
	})
	fmt.Fprintln(h, packages)
	return hex.EncodeToString(h.Sum(nil))[:16], err
}

// build runs the recipe into the folder half.
func build(ctx context.Context, half string, packages []string) error {
	temp, err := os.MkdirTemp("", "tchost-recipe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.CopyFS(temp, recipe); err != nil {
		return err
	}
	args := append([]string{filepath.Join(temp, "recipe", "root.sh"), half}, packages...)
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Env = append(os.Environ(), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastLines(string(out), 20))
	}
	return nil
}

// lock waits for the file's lock. It ends with the process at the latest.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// lastLines is the end of a text, where programs say why they failed.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
