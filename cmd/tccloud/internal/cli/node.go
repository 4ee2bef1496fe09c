package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/node"
)

func nodeCommand(o *operator.Env) *cobra.Command {
	var cfg node.Config
	var level slog.LevelVar
	var userFile string
	cmd := &cobra.Command{
		Use: "node --data DIR --peers HOST:PORT,...", Short: "run a node of the cluster that keeps a cloud", Args: cli.Exactly(0, "no arguments"),
		Long: `Node runs a NATS server with JetStream in this process until SIGTERM or SIGINT. Three
of them, on three machines, keep a cloud whose gateways ("tccloud serve --nats") may
run anywhere; two of the three must be up. "tccloud help nats" shows the whole of it.

A node syncs each write to its disk before it is acknowledged. Its name is its place in
the cluster: a node whose disk was replaced comes back under the same name, with an
empty DIR, and gets all copies from the others.

The file of --user-file has two lines, user name and password; the same file is given to
all nodes, and to "serve --nats-user-file". Without it a node listens on 127.0.0.1 only.

  tccloud node --data DIR --peers 127.0.0.1:6221,127.0.0.1:6222,127.0.0.1:6223 --listen 127.0.0.1:4221
  tccloud node --data DIR --peers a:6222,b:6222,c:6222 --listen 0.0.0.0:4222 --user-file FILE --cert C --key K --ca CA` + "\n\n" + operator.ExitCodes.Help(operator.ExitOK, operator.ExitFailed, operator.ExitUsage),
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Dir, "data", "", "folder for what the node keeps")
	f.StringVar(&cfg.Name, "name", "", "name of the node in the cluster, for ever (default: the host's name and the port)")
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:4222", "address for gateways")
	f.StringVar(&cfg.Cluster, "cluster-listen", "", "address for the other nodes (default: that of --listen, port + 2000)")
	f.StringSliceVar(&cfg.Peers, "peers", nil, "addresses of all nodes for each other, host:port,...; this one's may be among them")
	f.StringVar(&userFile, "user-file", "", "file with user name and password of gateways and nodes")
	f.StringVar(&cfg.Cert, "cert", "", "PEM file with the node's certificate, for gateways and nodes")
	f.StringVar(&cfg.Key, "key", "", "PEM file with its key")
	f.StringVar(&cfg.CA, "ca", "", "PEM file with the CAs of the other nodes' certificates")
	f.TextVar(&level, "log-level", &level, "debug, info, warn or error")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		some := cfg.Cert != "" || cfg.Key != "" || cfg.CA != ""
		switch {
		case cfg.Dir == "" || len(cfg.Peers) == 0:
			return cli.Misuse(cmd, "give --data DIR and --peers")
		case some && (cfg.Cert == "" || cfg.Key == "" || cfg.CA == ""):
			return cli.Misuse(cmd, "--cert, --key and --ca belong together")
		}
		if userFile != "" {
			var err error
			if cfg.User, cfg.Password, err = (store.Login{User: userFile}).ReadUser(); err != nil {
				return err
			}
			if cfg.Password == "" {
				return cli.Misuse(cmd, "--user-file needs two lines, user name and password")
			}
		}
		cfg.Logger = logger(o, &level)
		return node.Run(cmd.Context(), cfg)
	}
	return cmd
}

// addNATS adds the flags that say which NATS keeps the cloud.
func addNATS(cmd *cobra.Command, urls *[]string, login *store.Login) {
	f := cmd.Flags()
	f.StringSliceVar(urls, "nats", nil, "NATS servers to use instead of the embedded store, host:port or tls://host:port")
	f.StringVar(&login.User, "nats-user-file", "", "file with two lines, the user name and the password for NATS; or one, a token")
	f.StringVar(&login.Credentials, "nats-creds", "", "file with credentials for NATS, as nsc makes them")
	f.StringVar(&login.NKey, "nats-nkey", "", "file with the seed of an nkey for NATS")
	f.StringVar(&login.CA, "nats-ca", "", "PEM file with the CAs that the NATS servers' certificates come from (default: the system's)")
	f.StringVar(&login.Cert, "nats-cert", "", "PEM file with a client certificate for NATS")
	f.StringVar(&login.Key, "nats-key", "", "PEM file with its key")
}

// checkNATS says what is wrong with them, before any file is read.
func checkNATS(cmd *cobra.Command, urls []string, login store.Login) error {
	for _, u := range urls {
		if err := store.CheckURL(u); err != nil {
			return cli.Misuse(cmd, "--nats: %w", err)
		}
	}
	ways := 0
	for _, file := range []string{login.User, login.Credentials, login.NKey} {
		if file != "" {
			ways++
		}
	}
	switch {
	case len(urls) == 0 && login != (store.Login{}):
		return cli.Misuse(cmd, "the flags --nats-... need --nats")
	case ways > 1:
		return cli.Misuse(cmd, "give one of --nats-user-file, --nats-creds and --nats-nkey")
	case (login.Cert == "") != (login.Key == ""):
		return cli.Misuse(cmd, "--nats-cert and --nats-key belong together")
	}
	return nil
}
