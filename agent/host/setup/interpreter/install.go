package interpreter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/logging/plain"
)

// Install unpacks an archive below dir and returns the interpreter's home and program there. An
// archive that is installed already is not unpacked again.
func (k Kind) Install(ctx context.Context, archive, dir string) (home, program string, err error) {
	f, err := os.Open(archive)
	if err != nil {
		return "", "", fmt.Errorf("installing %s: %w", k.Name, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", "", fmt.Errorf("installing %s: reading %q: %w", k.Name, archive, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", "", fmt.Errorf("installing %s: %w", k.Name, err)
	}
	to := filepath.Join(dir, hex.EncodeToString(h.Sum(nil)[:8]))
	if home, program, err := k.In(to); err == nil && k.Verify(ctx, program) == nil {
		return home, program, nil
	}
	fresh := to + ".new"
	defer func() { _ = os.RemoveAll(fresh) }()
	err = errors.Join(os.RemoveAll(fresh), os.MkdirAll(fresh, 0o755), os.Chmod(dir, 0o755), os.Chmod(fresh, 0o755))
	if err == nil {
		err = unpack(ctx, f, fresh)
	}
	if err == nil {
		_, program, err = k.In(fresh)
	}
	if err == nil {
		if err = k.Verify(ctx, program); err != nil {
			err = fmt.Errorf("%w\nhint: an interpreter that was built for another folder runs only there; unpack it there and give --from that folder", err)
		}
	}
	if err == nil {
		err = os.RemoveAll(to) // it did not work, see above
	}
	if err == nil {
		err = atomicfile.Rename(fresh, to)
	}
	if err != nil {
		return "", "", fmt.Errorf("installing %s from %q: %w", k.Name, archive, err)
	}
	return k.In(to)
}

// Wheels installs all wheels of a folder with pip and without a network. It returns their number.
func Wheels(ctx context.Context, python, dir string) (int, error) {
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err == nil && len(wheels) == 0 {
		err = errors.New("there is no *.whl")
	}
	if err != nil {
		return 0, fmt.Errorf("installing wheels of %q: %w", dir, err)
	}
	args := append([]string{"-I", "-m", "pip", "install", "--no-index", "--no-input", "--disable-pip-version-check", "--find-links", dir}, wheels...)
	c := exec.CommandContext(ctx, python, args...)
	c.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=" + os.TempDir(), "PIP_CONFIG_FILE=" + os.DevNull}
	out, err := c.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return 0, fmt.Errorf("installing wheels of %q: pip failed (%w): %s", dir, err, plain.Head(plain.Line(lines[len(lines)-1]), 300))
	}
	return len(wheels), nil
}
