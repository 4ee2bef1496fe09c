package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// elsewhere are the commands whose file has another name than their words, and the reason.
var elsewhere = map[string]struct{ file, why string }{
	"verify":            {"enroll/verify.go", "it proves what enroll proved, with the same parts"},
	"unenroll":          {"enroll/unenroll.go", "it takes back what enroll did, with the same parts"},
	"service start":     {"service/service.go", "a request to the service manager and no more"},
	"service stop":      {"service/service.go", "likewise"},
	"service restart":   {"service/service.go", "likewise"},
	"service uninstall": {"service/service.go", "likewise"},
	"job-shim":          {"cli.go", "main answers it"},
}

// TestCommandsLieWhereTheirWordsSay: "certs add" is certs/add.go, "log level" is log_level.go.
func TestCommandsLieWhereTheirWordsSay(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if c.HasSubCommands() || !c.Runnable() {
			return
		}
		_, words, _ := strings.Cut(c.CommandPath(), " ")
		path := strings.ReplaceAll(words, "-", "_")
		places := []string{strings.ReplaceAll(path, " ", "_") + ".go", strings.ReplaceAll(path, " ", "/") + ".go", path + "/" + path + ".go"}
		if x, ok := elsewhere[words]; ok {
			places = []string{x.file}
		}
		for _, place := range places {
			if _, err := os.Stat(filepath.FromSlash(place)); err == nil {
				return
			}
		}
		t.Errorf("command %q is in none of %q", words, places)
	}
	walk(newRoot(&env.Env{}))
}
