package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/support"
)

func supportBundleCommand(e *env.Env) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "support-bundle", Short: "write an archive for support, without secrets", Args: cli.Exactly(0, "no arguments, only flags"),
		Long: `Support-bundle writes versions, the doctor's report, status, settings, logs and a
listing of files into one .tar.gz that only you may read. Secrets, keystore, journal
and the inputs of Apps are not in it; look through it before you send it on.

  sudo tcenvsvr support-bundle
  sudo tcenvsvr support-bundle -o /tmp/envsvr.tar.gz`,
		RunE: func(c *cobra.Command, _ []string) error { return runSupport(c, e, file) },
	}
	e.Makes(c, func([]string) []string { return []string{file} })
	c.Flags().StringVarP(&file, "output", "o", "", "the file to write; it must not exist")
	c.PreRun = func(*cobra.Command, []string) {
		if file == "" {
			file = "threatconnect-envsvr-support-" + time.Now().UTC().Format("20060102-150405") + ".tar.gz"
		}
	}
	return c
}

func runSupport(cmd *cobra.Command, e *env.Env, file string) error {
	ctx := cmd.Context()
	c, err := doctorConfig(e)
	if err != nil {
		return err
	}
	seen := support.CheckHost(ctx, c)
	if err := e.Become(cmd, nil, env.StateOwner); err != nil {
		return fmt.Errorf("making the support bundle: %w", err)
	}
	c.Environ = e.Environ
	f, err := e.Create(file)
	if err != nil {
		return fmt.Errorf("making the support bundle: %w", err)
	}
	names, err := support.Write(ctx, f, c, seen)
	if err != nil {
		_ = os.Remove(file) // fails in a folder that only root writes; the file is empty then
		return err
	}
	for _, name := range names {
		fmt.Fprintf(e.Stderr, "  %s\n", name)
	}
	_, err = fmt.Fprintln(e.Stdout, file)
	return err
}
