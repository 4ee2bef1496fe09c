package cli

import (
	"strings"
	"testing"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Each exception is a command that exists, and says why it is one.
func TestExceptionsAreCommands(t *testing.T) {
	root := newRoot(&env.Env{})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion")
	for words, x := range exceptions {
		if c, rest, err := root.Find(strings.Fields(words)); err != nil || len(rest) > 0 || c.CommandPath() != "tcenvsvr "+words {
			t.Errorf("there is no command %q", words)
		}
		if x.why == "" || x.as == env.StateOwner {
			t.Errorf("%q is an exception without a reason", words)
		}
	}
}
