package clitest

import (
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
)

const (
	maxShort = 60  // columns of a command's line in a list
	maxLine  = 100 // of prose: a command's line cannot be wrapped
)

// Help checks every command below root that help shows, but for cobra's own.
func Help(t *testing.T, root *cobra.Command) {
	t.Helper()
	for _, c := range root.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" || !c.Runnable() && !c.HasSubCommands() {
			continue
		}
		check(t, c)
		Help(t, c)
	}
	if root.HasParent() {
		return
	}
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.GroupID == "" {
			t.Errorf("%s is below no heading of the root's help", c.CommandPath())
		}
	}
}

func check(t *testing.T, c *cobra.Command) {
	t.Helper()
	path, long := c.CommandPath(), c.Long
	if s := c.Short; s == "" || len(s) > maxShort || strings.HasSuffix(s, ".") || unicode.IsUpper([]rune(s)[0]) && !unicode.IsUpper([]rune(s)[1]) {
		t.Errorf("%s: its short help is %q; want up to %d letters, the first a small one, without a full stop", path, s, maxShort)
	}
	// What a command does begins with its own name: "Show prints …".
	if first, _, _ := strings.Cut(long, " "); !strings.EqualFold(strings.Trim(first, ",:"), c.Name()) {
		t.Errorf("%s: its help begins with %q; want the command's name", path, first)
	}
	if !strings.Contains(long, path+" ") && !strings.Contains(long, path+"\n") {
		t.Errorf("%s: its help has no line that calls it", path)
	}
	body, codes, ok := strings.Cut(long, "\n\nExit codes:\n")
	if !ok || strings.Contains(codes, "\n\n") || !strings.HasPrefix(codes, "    0  ") {
		t.Errorf("%s: its help does not end with its exit codes", path)
	}
	for line := range strings.Lines(body) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > maxLine && !strings.HasPrefix(line, "  ") {
			t.Errorf("%s: a line of its help has %d columns, more than %d: %s", path, n, maxLine, line)
		}
	}
}
