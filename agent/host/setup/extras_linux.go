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
	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/pam"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/host/tool"
)

const (
	fapolicydRules = "/etc/fapolicyd/rules.d"
	// fapolicydRule comes before the rules that refuse scripts of languages (70-…).
	fapolicydRule = fapolicydRules + "/35-" + layout.Package + ".rules"
)

// runtimePaths makes what the package's tmpfiles.d asks for, now rather than at the next boot.
func runtimePaths(_ context.Context, _ *Host) ([]plan.Finding, error) {
	if _, err := os.Stat(layout.Tmpfiles); err != nil || tool.Find("systemd-tmpfiles") == "" {
		return nil, nil // not from a package, or without systemd
	}
	for _, path := range []string{layout.Run, layout.UpdaterRun + "/" + layout.Shim} {
		if _, err := os.Lstat(path); err != nil {
			return []plan.Finding{{
				Text: fmt.Sprintf("%q does not exist", path), Fix: "created",
				Do: func(ctx context.Context) error { return tool.Run(ctx, "systemd-tmpfiles", "--create", layout.Tmpfiles) },
			}}, nil
		}
	}
	return nil, nil
}

func runtimeRemoval(context.Context, *Host) ([]plan.Finding, error) {
	if _, err := os.Lstat(layout.Run); err != nil {
		return nil, nil
	}
	return []plan.Finding{{
		Text: fmt.Sprintf("folder %q is there", layout.Run), Fix: "removed",
		Do: func(context.Context) error { return os.RemoveAll(layout.Run) },
	}}, nil
}

// rule allows to execute what no package installed: Apps, updates, interpreters. Only the agent,
// its sandbox user and root can write there.
func (h *Host) rule() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Apps, updates and the Python of the ThreatConnect Environment Server are in no package.\n")
	for _, dir := range []string{layout.Exchange, "a/bin", "b/bin", "python", "java"} {
		fmt.Fprintf(&b, "allow perm=any all : dir=%s/\n", filepath.Join(h.Home, dir))
	}
	return b.Bytes()
}

func fapolicyd(_ context.Context, h *Host) ([]plan.Finding, error) {
	if info, err := os.Stat(fapolicydRules); err != nil || !info.IsDir() {
		return nil, nil // it is not ours to make: an empty rules.d refuses everything
	}
	is, err := os.ReadFile(fapolicydRule)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if bytes.Equal(is, h.rule()) {
		return nil, nil
	}
	return []plan.Finding{{
		Text: fmt.Sprintf("%q does not let Apps be executed", fapolicydRule), Fix: "written",
		Do: func(ctx context.Context) error {
			if err := atomicfile.WriteFile(fapolicydRule, h.rule(), 0o644); err != nil {
				return err
			}
			return reloadFapolicyd(ctx)
		},
	}}, nil
}

func fapolicydRemoval(context.Context, *Host) ([]plan.Finding, error) {
	if _, err := os.Lstat(fapolicydRule); err != nil {
		return nil, nil
	}
	return []plan.Finding{{
		Text: fmt.Sprintf("%q is there", fapolicydRule), Fix: "removed",
		Do: func(ctx context.Context) error {
			if err := atomicfile.Remove(fapolicydRule); err != nil {
				return err
			}
			return reloadFapolicyd(ctx)
		},
	}}, nil
}

func reloadFapolicyd(ctx context.Context) error {
	if tool.Find("fagenrules") == "" {
		return nil
	}
	return tool.Run(ctx, "fagenrules", "--load")
}

// labels asks restorecon which labels it would change. Jobs and Apps are left out: there may be
// many, and they inherit their labels.
func labels(ctx context.Context, h *Host) ([]plan.Finding, error) {
	if !tool.SELinux() || tool.Find("restorecon") == "" {
		return nil, nil
	}
	var paths []string
	for _, f := range h.folders() {
		paths = append(paths, f.name())
	}
	paths = append(paths, layout.Etc+"/policy.yaml", pam.File, layout.Sudoers, fapolicydRule,
		layout.Libexec, layout.Libexec+"/"+layout.Program, layout.Libexec+"/"+layout.Shim)
	var there []string
	for _, p := range paths {
		if _, err := os.Lstat(p); err == nil {
			there = append(there, p)
		}
	}
	out, err := tool.Output(ctx, "restorecon", append([]string{"-F", "-n", "-v"}, there...)...)
	if err != nil {
		return nil, err
	}
	var found []plan.Finding
	for line := range strings.Lines(out) {
		// "Would relabel /opt/… from unconfined_u:object_r:usr_t:s0 to system_u:…"
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Would relabel ")
		path, _, ok2 := strings.Cut(rest, " from ")
		if !ok || !ok2 {
			continue
		}
		found = append(found, plan.Finding{
			Text: "SELinux label of " + rest, Fix: "set",
			Do: func(ctx context.Context) error { return tool.Run(ctx, "restorecon", "-F", path) },
		})
	}
	return found, nil
}
