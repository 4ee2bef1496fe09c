package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

func noexec(_ context.Context, t *target) outcome {
	for _, dir := range []string{t.Paths.Programs, t.Paths.Jobs} {
		dir = existing(dir)
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			return skip("%q: %v", dir, err)
		}
		if fs.Flags&unix.ST_NOEXEC != 0 {
			return fail("mount it without noexec, or put the home elsewhere", "%q is on a file system mounted noexec", dir)
		}
	}
	return ok("Apps may be run from %q", existing(t.Paths.Exchange))
}

func selinux(ctx context.Context, _ *target) outcome {
	mode, err := os.ReadFile("/sys/fs/selinux/enforce")
	if errors.Is(err, os.ErrNotExist) {
		return ok("not in use")
	}
	if err != nil {
		return skip("%v", err)
	}
	name := "permissive"
	if strings.TrimSpace(string(mode)) == "1" {
		name = "enforcing"
	}
	if os.Geteuid() != 0 {
		return ok("%s; root may see what was denied", name)
	}
	denials, err := denied(ctx)
	switch {
	case err != nil:
		return ok("%s; denials are not known: %v", name, err)
	case len(denials) > 0 && name == "enforcing":
		return fail(`see "ausearch -m avc -ts today", and label the files: "restorecon -RF" on the home`, "enforcing; %d denials today, the last: %s", len(denials), denials[len(denials)-1])
	case len(denials) > 0:
		return warn("they would be forbidden in enforcing mode", "permissive; %d denials today, the last: %s", len(denials), denials[len(denials)-1])
	}
	return ok("%s, no denials today", name)
}

// denied returns today's denials that concern the Environment Server.
func denied(ctx context.Context) ([]string, error) {
	tool, err := exec.LookPath("ausearch")
	if err != nil {
		return nil, errors.New("ausearch is not installed")
	}
	out, err := exec.CommandContext(ctx, tool, "--input-logs", "-m", "avc", "-ts", "today").CombinedOutput()
	if err != nil && !strings.Contains(string(out), "<no matches>") {
		return nil, fmt.Errorf("ausearch: %w", err)
	}
	var ours []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "denied") && (strings.Contains(line, "tcenvsvr") || strings.Contains(line, "threatconnect")) {
			ours = append(ours, strings.TrimSpace(line))
		}
	}
	return ours, nil
}

func fips(_ context.Context, _ *target) outcome {
	on, err := os.ReadFile("/proc/sys/crypto/fips_enabled")
	if err != nil || strings.TrimSpace(string(on)) != "1" {
		return ok("the kernel is not in FIPS mode")
	}
	return ok("the kernel is in FIPS mode; start the agent with GODEBUG=fips140=on to have it follow")
}
