package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
)

const (
	tmpfilesConf = "/usr/lib/tmpfiles.d/threatconnect-envsvr.conf"
	runtimeDir   = "/run/threatconnect-envsvr"
	runtimeShim  = "/run/threatconnect-envsvr-updater/tcenvsvr-shim" // what tc-job@.service starts

	fapolicydRules = "/etc/fapolicyd/rules.d"
	// fapolicydRule comes before the rules that refuse scripts of languages (70-…).
	fapolicydRule = fapolicydRules + "/35-threatconnect-envsvr.rules"

	selinux = "/sys/fs/selinux/enforce"
)

// runtimePaths has what the package's tmpfiles.d asks for made now rather than at the next boot.
func runtimePaths(_ context.Context, _ *Host) ([]Finding, error) {
	if _, err := os.Stat(tmpfilesConf); err != nil || find("systemd-tmpfiles") == "" {
		return nil, nil // not from a package, or without systemd
	}
	for _, path := range []string{runtimeDir, runtimeShim} {
		if _, err := os.Lstat(path); err != nil {
			return []Finding{{
				Text: fmt.Sprintf("%q does not exist", path), Fix: "created",
				do: func(ctx context.Context) error { return tool(ctx, "systemd-tmpfiles", "--create", tmpfilesConf) },
			}}, nil
		}
	}
	return nil, nil
}

func runtimeGone(context.Context, *Host) ([]Finding, error) {
	if _, err := os.Lstat(runtimeDir); err != nil {
		return nil, nil
	}
	return []Finding{{
		Text: fmt.Sprintf("folder %q is there", runtimeDir), Fix: "removed",
		do: func(context.Context) error { return os.RemoveAll(runtimeDir) },
	}}, nil
}

// rule lets execute what no package brought: Apps and updated programs. Only
// the agent, its sandbox user and root can write there.
func (h *Host) rule() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Apps, updates and the Python of the ThreatConnect Environment Server are in no package.\n")
	for _, dir := range []string{".tcenvsvr/exchange", "a/bin", "b/bin", "python", "java"} {
		fmt.Fprintf(&b, "allow perm=any all : dir=%s/\n", filepath.Join(h.Home, dir))
	}
	return b.Bytes()
}

func fapolicyd(_ context.Context, h *Host) ([]Finding, error) {
	if info, err := os.Stat(fapolicydRules); err != nil || !info.IsDir() {
		return nil, nil // never made by us: an empty rules.d refuses everything
	}
	is, err := os.ReadFile(fapolicydRule)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if bytes.Equal(is, h.rule()) {
		return nil, nil
	}
	return []Finding{{
		Text: fmt.Sprintf("%q does not let Apps be executed", fapolicydRule), Fix: "written",
		do: func(ctx context.Context) error {
			if err := atomicfile.WriteFile(fapolicydRule, h.rule(), 0o644); err != nil {
				return err
			}
			return reloadFapolicyd(ctx)
		},
	}}, nil
}

func fapolicydGone(context.Context, *Host) ([]Finding, error) {
	if _, err := os.Lstat(fapolicydRule); err != nil {
		return nil, nil
	}
	return []Finding{{
		Text: fmt.Sprintf("%q is there", fapolicydRule), Fix: "removed",
		do: func(ctx context.Context) error {
			if err := atomicfile.Remove(fapolicydRule); err != nil {
				return err
			}
			return reloadFapolicyd(ctx)
		},
	}}, nil
}

func reloadFapolicyd(ctx context.Context) error {
	if find("fagenrules") == "" {
		return nil
	}
	return tool(ctx, "fagenrules", "--load")
}

// labels asks restorecon what it would change. Jobs and Apps are left out:
// there may be many, and they inherit.
func labels(ctx context.Context, h *Host) ([]Finding, error) {
	if _, err := os.Stat(selinux); err != nil || find("restorecon") == "" {
		return nil, nil
	}
	var paths []string
	for _, f := range h.folders() {
		paths = append(paths, f.name())
	}
	paths = append(paths, pamFile, sudoersFile, fapolicydRule,
		"/usr/libexec/threatconnect-envsvr", "/usr/libexec/threatconnect-envsvr/tcenvsvr", "/usr/libexec/threatconnect-envsvr/tcenvsvr-shim")
	var there []string
	for _, p := range paths {
		if _, err := os.Lstat(p); err == nil {
			there = append(there, p)
		}
	}
	out, err := toolOutput(ctx, "restorecon", append([]string{"-F", "-n", "-v"}, there...)...)
	if err != nil {
		return nil, err
	}
	var found []Finding
	for line := range strings.Lines(out) {
		// "Would relabel /opt/… from unconfined_u:object_r:usr_t:s0 to system_u:…"
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Would relabel ")
		path, _, ok2 := strings.Cut(rest, " from ")
		if !ok || !ok2 {
			continue
		}
		found = append(found, Finding{
			Text: "SELinux label of " + rest, Fix: "set",
			do: func(ctx context.Context) error { return tool(ctx, "restorecon", "-F", path) },
		})
	}
	return found, nil
}
