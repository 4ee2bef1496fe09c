package hostwide

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/certs/cert"
)

// prefix tells our anchors from others.
const prefix = "tcenvsvr-"

// Anchors describes how CAs get into a host's own store.
type Anchors struct {
	Dir     string   // where administrators put them
	Ending  string   // that files must have
	Command []string // that rebuilds the store
}

// known describes RHEL, SUSE and Debian; the first whose tool is installed applies.
var known = []Anchors{
	{"/etc/pki/ca-trust/source/anchors", ".pem", []string{"update-ca-trust", "extract"}},
	{"/etc/pki/trust/anchors", ".pem", []string{"update-ca-certificates"}},
	{"/usr/local/share/ca-certificates", ".crt", []string{"update-ca-certificates"}},
}

// HostAnchors returns the Anchors of this host.
func HostAnchors() (Anchors, error) {
	for _, a := range known {
		if info, err := os.Stat(a.Dir); err != nil || !info.IsDir() {
			continue
		}
		for _, dir := range []string{"/usr/bin", "/usr/sbin", "/bin", "/sbin"} {
			if tool := filepath.Join(dir, a.Command[0]); exists(tool) {
				a.Command = append([]string{tool}, a.Command[1:]...)
				return a, nil
			}
		}
	}
	return Anchors{}, fmt.Errorf("adding CAs to the host's own store: %w: neither update-ca-trust nor update-ca-certificates is here\n"+
		"hint: \"tcenvsvr certs export DIR\" writes a bundle for other tools", errors.ErrUnsupported)
}

// Sync makes the list our anchors and rebuilds the host's store; an empty list undoes it. It
// returns how many files it wrote and removed.
func (a Anchors) Sync(ctx context.Context, list []*x509.Certificate) (written, removed int, err error) {
	fail := func(err error) (int, int, error) {
		return written, removed, fmt.Errorf("changing the host's own trusted CAs in %q: %w", a.Dir, err)
	}
	want := map[string]bool{}
	for _, c := range list {
		name := prefix + cert.Short(c) + a.Ending
		want[name] = true
		data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		path := filepath.Join(a.Dir, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
			continue
		}
		if err := atomicfile.WriteFile(path, data, 0o644); err != nil {
			return fail(err)
		}
		written++
	}
	entries, err := os.ReadDir(a.Dir)
	if err != nil {
		return fail(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && !want[e.Name()] {
			if err := atomicfile.Remove(filepath.Join(a.Dir, e.Name())); err != nil {
				return fail(err)
			}
			removed++
		}
	}
	// Always: an earlier run may have been cut off before this.
	out, err := exec.CommandContext(ctx, a.Command[0], a.Command[1:]...).CombinedOutput()
	if err != nil {
		return fail(fmt.Errorf("%s: %w: %s", a.Command[0], err, bytes.TrimSpace(out)))
	}
	return written, removed, nil
}

func exists(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir()
}
