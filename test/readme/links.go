package readme

import (
	"regexp"
	"strings"
	"unicode"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Links returns where the links of a document lead.
func Links(text string) (targets []string) {
	for _, m := range link.FindAllStringSubmatch(outside(text), -1) {
		targets = append(targets, m[1])
	}
	return targets
}

// Anchors returns the names under which GitHub finds the headings of a document.
func Anchors(text string) map[string]bool {
	anchors := map[string]bool{}
	for line := range strings.Lines(outside(text)) {
		heading := strings.TrimLeft(line, "#")
		if heading == line || !strings.HasPrefix(heading, " ") {
			continue
		}
		anchors[strings.Map(func(r rune) rune {
			switch {
			case r == ' ' || r == '-':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(heading))] = true
	}
	return anchors
}

// outside is the text without its blocks of code.
func outside(text string) string {
	var b strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			inside = !inside
			continue
		}
		if !inside {
			b.WriteString(line)
		}
	}
	return b.String()
}
