package help

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Reference is the documentation of the program as a Go comment: every command of root with its
// text. cmd/tcenvsvr/doc.go is made from it; it is not marked as generated, because then no tool
// would see the package comment in it. Topics are in README.md (Renew).
func Reference(root *cobra.Command) string {
	var b strings.Builder
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.Annotations[manual] != "" {
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
	walk(root)
	text := "// Made from the commands; UPDATE=1 go test ./cmd/tcenvsvr -run Reference renews it.\n\n" +
		"// Tcenvsvr is the ThreatConnect Environment Server: the service, its command\n// line and the shim of its jobs.\n//\n"
	for line := range strings.Lines(strings.TrimLeft(b.String(), "\n")) {
		text += strings.TrimRight("// "+strings.TrimRight(line, "\n"), " ") + "\n"
	}
	return text + "package main\n"
}
