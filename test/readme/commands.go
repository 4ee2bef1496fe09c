package readme

import (
	"regexp"
	"strings"
)

// Commands returns the commands of a document in their order: the lines of its sh blocks, without
// what is said about them.
func Commands(text string) (lines []string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "```") {
			inside = !inside && line == "```sh"
			continue
		}
		if command, _, _ := strings.Cut("  "+line, "  #"); inside && strings.TrimSpace(command) != "" {
			lines = append(lines, strings.TrimSpace(command))
		}
	}
	return lines
}

var span = regexp.MustCompile("`([^`\n]+)`")

// Named returns everything that a document marks as code: its commands, and the spans in its text.
func Named(text string) []string {
	all := Commands(text)
	for _, m := range span.FindAllStringSubmatch(outside(text), -1) {
		all = append(all, m[1])
	}
	return all
}
