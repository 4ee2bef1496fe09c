package setup

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/setup/interpreter"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func javaCommand(e *env.Env) *cobra.Command {
	var java sources
	c := &cobra.Command{
		Use: "java", Short: "find or install Java 17 for Apps", Args: cli.Exactly(0, "no arguments"),
		Long: `Java finds Java 17 on this host, proves that it runs, and sets appsJavaHome. With
--from it takes a folder, or unpacks a .tar.gz below HOME/java without any network.
The guide's JAVA_HOME in .bashrc is not needed: a service reads no .bashrc.

  sudo tcenvsvr setup java
  sudo tcenvsvr setup java --from jdk-17_linux-x64_bin.tar.gz`,
		RunE: func(c *cobra.Command, _ []string) error { return runSetup(c, e, interpreter.Java, java) },
	}
	c.Flags().StringVar(&java.from, "from", "", "a .tar.gz or a folder with Java 17")
	return c
}
