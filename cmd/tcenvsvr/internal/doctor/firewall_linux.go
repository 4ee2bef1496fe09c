package doctor

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// firewall reports the rules that may keep connections back. Whether they do, the network checks
// show.
func firewall(ctx context.Context, _ *target) outcome {
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

// outputRules returns the rules of output chains that drop or reject packets.
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

// nftDrops returns the rules that drop packets in chains that hook output.
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
