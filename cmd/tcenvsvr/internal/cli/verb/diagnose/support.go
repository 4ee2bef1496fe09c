package diagnose

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/support"
)

func supportBundle(e *verb.Env) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "support-bundle", Short: "write an archive for whoever helps, without secrets", Args: verb.Exactly(0, "no arguments, only flags"),
		Long: `Support-bundle writes versions, the doctor's report, status, settings, logs and a
listing of files into one .tar.gz that only you may read. Secrets, keystore, journal
and what Apps were told are not in it; look through it before you send it on.

  sudo tcenvsvr support-bundle
  sudo tcenvsvr support-bundle -o /tmp/envsvr.tar.gz`,
		RunE: func(c *cobra.Command, _ []string) error { return runSupport(c.Context(), e, file) },
	}
	c.Flags().StringVarP(&file, "output", "o", "", "the file to write; it must not exist")
	return c
}

func runSupport(ctx context.Context, e *verb.Env, file string) error {
	c, err := doctorConfig(e)
	if err != nil {
		return err
	}
	if file == "" {
		file = "threatconnect-envsvr-support-" + time.Now().UTC().Format("20060102-150405") + ".tar.gz"
	}
	names, err := support.Write(ctx, file, c)
	if err != nil {
		return err
	}
	for _, name := range names {
		fmt.Fprintf(e.Stderr, "  %s\n", name)
	}
	_, err = fmt.Fprintln(e.Stdout, file)
	return err
}
