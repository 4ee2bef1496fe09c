package outcome

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxCauseLines bounds the lines of a Cause.
const maxCauseLines = 8

// frame is a line that says where something happened and not what: calls
// of Java, and what Python and Node print between the head of a traceback and its cause.
var frame = regexp.MustCompile(`^\s+(at |\.\.\. \d+ (more|common frames)|File ".*", line \d+|[~^]+\s*$|\[Previous line repeated )|^Traceback \(most recent call last\):$|^During handling of the above exception|^The above exception was the direct cause`)

// Cause is what the end of a stderr says of why an App ended: its last lines
// without those of stack traces, whole ones as far as they fit into MaxMessage characters.
//
//	java.lang.IllegalStateException: no feed        ValidationError: 1 validation error
//		at tc.Main.run(Main.java:7)          ──►    owner
//	Caused by: java.io.IOException: no route          field required
func Cause(stderr string) string {
	var cause []string
	room := MaxMessage
	for _, line := range slices.Backward(told(stderr)) {
		n := utf8.RuneCountInString(line) + 1
		if len(cause) > 0 && (n > room || len(cause) == maxCauseLines) {
			break
		}
		cause = append(cause, line)
		room -= n
	}
	slices.Reverse(cause)
	return message([]byte(strings.Join(cause, "\n")), true)
}

// told are the lines that are left without frames, each with the line of source
// that Python prints below it.
func told(stderr string) []string {
	var lines []string
	source := false
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case line == "":
		case frame.MatchString(line):
			source = strings.HasPrefix(strings.TrimSpace(line), "File ")
			continue
		case source && strings.HasPrefix(line, "    "):
		default:
			lines = append(lines, line)
		}
		source = false
	}
	return lines
}
