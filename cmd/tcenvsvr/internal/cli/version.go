package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"tcenvsvr/agent/job"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
)

type versionAnswer struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (e *env) version() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Long:  "Version prints which build of the program this is.\n\n  tcenvsvr version\n  tcenvsvr version --json\n\n" + exitCodesHelp(),
		Args:  exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			v := versionAnswer{build.Version(), build.Commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			if asJSON {
				return e.printJSON(v)
			}
			_, err := fmt.Fprintf(e.stdout, "tcenvsvr %s (%s/%s, %s)\n", v.Version, v.OS, v.Arch, v.Go)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "answer in JSON")
	return c
}

// man writes the manual pages; the package ships them.
func (e *env) man() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "write the manual pages into a folder",
		Long:  "Man writes one manual page for each command into DIR.\n\n  tcenvsvr man /usr/share/man/man1\n\n" + exitCodesHelp(),
		Args:  exactly(1, "the folder to write to"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("writing manual pages: %w", err)
			}
			c.Root().DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "TCENVSVR", Section: "1", Source: "tcenvsvr " + build.Version(), Manual: "Environment Server"}
			if err := doc.GenManTree(c.Root(), header, args[0]); err != nil {
				return fmt.Errorf("writing manual pages: %w", err)
			}
			pages, err := filepath.Glob(filepath.Join(args[0], "tcenvsvr*.1"))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(e.stdout, strings.Join(pages, "\n"))
			return err
		},
	}
}

// shim appears here only so that the verb is known; main answers it before
// any of this is built.
func (e *env) shim() *cobra.Command {
	return &cobra.Command{
		Use: job.ShimCommand, Hidden: true, Short: "supervise one job (started by the agent)",
		Args: exactly(0, "its launch on standard input"),
		RunE: func(*cobra.Command, []string) error {
			if code := job.ShimMain(e.stdin, e.stdout, e.stderr); code != 0 {
				return fmt.Errorf("the job was not supervised to its end (%d)", code)
			}
			return nil
		},
	}
}

func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
