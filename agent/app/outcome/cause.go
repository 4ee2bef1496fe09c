package outcome

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxCauseLines bounds the lines of a Cause.
const maxCauseLines = 8

// frame matches a line that says where something happened, not what: calls of Java, and what Python
// and Node print between the head of a traceback and its cause.
var frame = regexp.MustCompile(`^\s+(at |\.\.\. \d+ (more|common frames)|File ".*", line \d+|[~^]+\s*$|\[Previous line repeated )|^Traceback \(most recent call last\):$|^During handling of the above exception|^The above exception was the direct cause`)

// Cause returns why an App ended, as the end of its stderr tells: the last lines that are not part
// of a stack trace. It returns as many whole lines as fit into MaxMessage characters.
//
//	java.lang.IllegalStateException: no feed        ValidationError: 1 validation error
//		at tc.Main.run(Main.java:7)          ──►    owner
//	Caused by: java.io.IOException: no route          field required
func Cause(stderr string) string {
	var cause []string
	room := MaxMessage
	for _, line := range slices.Backward(withoutFrames(stderr)) {
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

// withoutFrames returns the lines that are no frames. The line of source code that Python prints
// below a frame belongs to the frame.
func withoutFrames(stderr string) []string {
	var lines []string
	source := false
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case line == "", strings.HasPrefix(line, "Picked up JAVA_TOOL_OPTIONS: "): // which every JVM says that gets its trust store from us
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
