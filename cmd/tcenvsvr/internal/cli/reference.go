package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Reference is the documentation of the program as a Go comment: every
// command with its text. cmd/tcenvsvr/doc.go is made from it; it is not marked as
// generated, because then no tool would see the package comment in it.
func Reference() string {
	var b strings.Builder
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.Name() == "errors" { // a long list that many packages add to
			return
		}
		if c.HasParent() {
			fmt.Fprintf(&b, "\n# %s\n\n%s.\n", strings.TrimPrefix(c.CommandPath(), "tcenvsvr "), sentence(c.Short))
		}
		long, _, _ := strings.Cut(c.Long, "\nExit codes:")
		if !c.HasParent() {
			long = c.Long // once, for all
		}
		fmt.Fprintf(&b, "\n\t%s\n", c.UseLine())
		for line := range strings.Lines(strings.TrimSpace(long)) {
			b.WriteString("\n\t" + strings.TrimRight(line, "\n"))
		}
		b.WriteString("\n")
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root := newRoot(&env.Env{})
	walk(root)
	text := "// Made from the commands; UPDATE=1 go test ./cmd/tcenvsvr -run Reference renews it.\n\n" +
		"// Tcenvsvr is the ThreatConnect Environment Server: the service, its command\n// line and the shim of its jobs.\n//\n"
	for line := range strings.Lines(strings.TrimLeft(b.String(), "\n")) {
		text += strings.TrimRight("// "+strings.TrimRight(line, "\n"), " ") + "\n"
	}
	return text + "package main\n"
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
