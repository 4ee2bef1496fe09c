package cli

import (
	"tcenvsvr/cmd/tcenvsvr/internal/cli/app"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/help"
)

// Reference returns the documentation of all commands as a Go comment.
func Reference() string { return help.Reference(newRoot(&env.Env{})) }

// Topics returns the help topics in Markdown, by name.
func Topics() map[string]string {
	all := map[string]string{}
	for _, t := range help.Topics(exitCodes) {
		all[t.Name] = t.Markdown()
	}
	return all
}

// Sample returns the program of the App that "app new" makes.
func Sample(name string) string { return app.Sample(name) }
