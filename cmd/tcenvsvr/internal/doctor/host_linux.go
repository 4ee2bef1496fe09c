package doctor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

func noexec(_ context.Context, p *patient) said {
	for _, dir := range []string{p.Paths.Programs, p.Paths.Jobs} {
		dir = folder(dir)
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			return skip("%q: %v", dir, err)
		}
		if fs.Flags&unix.ST_NOEXEC != 0 {
			return fail("mount it without noexec, or put the home elsewhere", "%q is on a file system mounted noexec", dir)
		}
	}
	return ok("Apps may be run from %q", folder(p.Paths.Exchange))
}

func selinux(ctx context.Context, _ *patient) said {
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

// denied are today's denials of what has to do with us.
func denied(ctx context.Context) ([]string, error) {
	tool, err := exec.LookPath("ausearch")
	if err != nil {
		return nil, errors.New("ausearch is not installed")
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("root may ask")
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

func fips(_ context.Context, _ *patient) said {
	on, err := os.ReadFile("/proc/sys/crypto/fips_enabled")
	if err != nil || strings.TrimSpace(string(on)) != "1" {
		return ok("the kernel is not in FIPS mode")
	}
	return ok("the kernel is in FIPS mode; start the agent with GODEBUG=fips140=on to have it follow")
}

// firewall says what is there; whether it lets us out, the network checks show.
func firewall(ctx context.Context, _ *patient) said {
	var seen []string
	if out, err := exec.CommandContext(ctx, "systemctl", "is-active", "firewalld").Output(); err == nil && strings.TrimSpace(string(out)) == "active" {
		seen = append(seen, "firewalld is active")
	}
	if os.Geteuid() != 0 {
		return skip("%s", strings.Join(append(seen, "root may see the rules"), "; "))
	}
	drops, known := outputRules(ctx)
	if !known {
		return skip("%s", strings.Join(append(seen, "neither nft nor iptables can be asked"), "; "))
	}
	if len(drops) > 0 {
		return warn("see that they allow outbound TCP 443 and 62000; the network checks below tell whether they do",
			"%s", strings.Join(append(seen, fmt.Sprintf("outbound rules that drop or reject: %s", strings.Join(drops, "; "))), "; "))
	}
	return ok("%s", strings.Join(append(seen, "nothing is dropped on its way out"), "; "))
}

// outputRules are the rules of output chains that keep packets back.
func outputRules(ctx context.Context) (drops []string, known bool) {
	if out, err := exec.CommandContext(ctx, "nft", "list", "ruleset").Output(); err == nil {
		return nftDrops(string(out)), true
	}
	out, err := exec.CommandContext(ctx, "iptables", "-S", "OUTPUT").Output()
	if err != nil {
		return nil, false
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "-j DROP") || strings.Contains(line, "-j REJECT") || strings.HasPrefix(line, "-P OUTPUT DROP") {
			drops = append(drops, strings.TrimSpace(line))
		}
	}
	return drops, true
}

// nftDrops finds drops in chains that hook output.
func nftDrops(ruleset string) (drops []string) {
	output := false
	for s := bufio.NewScanner(strings.NewReader(ruleset)); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		switch {
		case strings.HasPrefix(line, "chain "):
			output = false
		case strings.Contains(line, "hook output"):
			output = true
			if strings.Contains(line, "policy drop") {
				drops = append(drops, "policy drop")
			}
		case output && (strings.Contains(line, " drop") || strings.Contains(line, " reject")):
			drops = append(drops, line)
		}
	}
	return drops
}
