package cli

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/internal/platform"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/cloud"
	"tcenvsvr/cmd/tccloud/internal/identity"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

func serveCommand(o *operator.Env) *cobra.Command {
	var cfg cloud.Config
	var level slog.LevelVar
	var to platform.Flags
	var signOn signOnFlags
	cmd := &cobra.Command{
		Use: "serve --data DIR", Short: "run a cloud", Args: cli.Exactly(0, "no arguments"),
		Long: `Serve runs a Dedicated Cloud in this process until SIGTERM or SIGINT: the message
broker, the HTTPS API and, unless --nats names a cluster, the store. The web console is
on both ports: https://NAME/ and https://NAME:62000/.

The first start makes in DIR: a CA and a server certificate (pki/), the key of
App tokens (apptoken.key) and the admin token (admin.token). While there are no users
("tccloud user"), first-user.link has a one-time link that makes the first administrator
of the console. DIR/endpoint.json is there while the cloud is ready and says where it listens.

Several of these processes are one cloud, its gateways, if --nats names the same servers and each
has the cluster secret: the first one makes it in DIR/cluster.secret, or where
--cluster-secret-file says, and the others are given a copy. What a cloud is known by
(CA, keys, admin token) is in the store, sealed with it. A gateway whose files are of
another cloud does not start. "tccloud help nats" has the rest.

--name is a host name or address by which Environment Servers reach the cloud; it
goes into the certificate, and the first one into bundles.

With --platform, what Apps ask of ThreatConnect is passed on to that instance, for all
executions with the same credentials: those of an API user made for it. They come from
--platform-credentials or the environment, as TC_API_ACCESS_ID and TC_API_SECRET_KEY, or
TC_TOKEN; "tccloud execution requests" shows what was passed on. Without it the cloud
answers by itself, and keeps what Apps upload as artifacts of their executions.

With --oidc-issuer people sign in to the console by single sign-on: "tccloud help console".

DIR needs a disk with 1 GB or more; a small cloud starts with 16 MB free. What is kept
follows its size: logs at most a fifth (4 GB), executions an eighth (8 GB), published files a
quarter (64 GB), Playbook variables an eighth (4 GB). With less than a twentieth free
(32 MB to 1 GB) no new orders are taken; results are, until 8 MB are left. "tccloud status"
says so.

  tccloud serve --data /var/lib/tccloud --name cloud.example
  tccloud serve --data DIR --broker-addr 127.0.0.1:0 --api-addr 127.0.0.1:0
  tccloud serve --data DIR --platform https://company.threatconnect.com --platform-credentials FILE
  tccloud serve --data DIR --nats a:4222,b:4222,c:4222 --nats-user-file FILE --public-broker a.example:62000,b.example:62000` + "\n\n" + operator.ExitCodes.Help(operator.ExitOK, operator.ExitFailed, operator.ExitUsage, operator.ExitNotAllowed),
	}
	var keep, keepLogs int
	f := cmd.Flags()
	f.StringVar(&cfg.Data, "data", "", "folder for everything the cloud keeps (TCCLOUD_DATA)")
	f.StringVar(&cfg.BrokerAddr, "broker-addr", ":62000", "address of the message broker")
	f.StringVar(&cfg.APIAddr, "api-addr", ":443", "address of the HTTPS API")
	f.StringArrayVar(&cfg.Names, "name", nil, "host name or address in the server certificate; repeatable")
	addNATS(cmd, &cfg.NATS, &cfg.Login)
	f.StringVar(&cfg.SecretFile, "cluster-secret-file", "", "file with the cluster secret, with --nats (default DIR/cluster.secret)")
	f.StringSliceVar(&cfg.Adopt, "adopt", nil, "admin.token or apptoken.key: this gateway's own is the cloud's from now on; once, with --nats")
	f.IntVar(&cfg.Copies, "copies", 0, "how many of the NATS servers keep each thing, 1–5 (default as before; at first 3 where there are three servers)")
	f.StringVar(&cfg.CertFile, "cert", "", "PEM file with the server certificate and its chain up to the root (bundles carry its CAs), instead of an own one")
	f.StringVar(&cfg.KeyFile, "key", "", "PEM file with its key")
	f.StringVar(&cfg.PublicURL, "public-url", "", "https:// address of the API as Environment Servers reach it")
	f.StringSliceVar(&cfg.PublicBrokers, "public-broker", nil, "host:port of the broker as Environment Servers reach it; repeatable: those of all gateways (default: this one's, and those that the other gateways named)")
	f.DurationVar(&cfg.Lease, "lease", 0, "how long a server may be away before its orders are given up (default 90s)")
	f.DurationVar(&cfg.ClientLife, "client-life", 0, "how long the certificates of Environment Servers live; they renew them by themselves (default 8760h)")
	f.DurationVar(&cfg.TokenLife, "token-life", 0, "how long the tokens of Apps live; Apps renew them while they run (default 4h)")
	f.IntVar(&keep, "keep-days", 45, "for how long executions are kept that have ended, with their files, artifacts and requests")
	f.IntVar(&keepLogs, "keep-log-days", 7, "for how long their logs are kept")
	f.DurationVar(&cfg.Heartbeat, "heartbeat", 0, "how often both sides of a session show that they live (default 10s)")
	f.StringVar(&cfg.JobCommand, "job-command", "", "program that is run, with JSON on its stdin, for failures of Jobs that say --notify command; an absolute path")
	f.BoolVar(&cfg.AcceptLoss, "accept-loss", false, "start, once, without what the store has lost; without it the start is refused and says what")
	to.Add(f, "that requests of Apps are passed on to, https://host[/api] (default: the cloud answers by itself)")
	signOn.add(f)
	f.TextVar(&level, "log-level", &level, "debug, info, warn or error")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cfg.Data == "" {
			cfg.Data = o.Getenv("TCCLOUD_DATA")
		}
		switch {
		case cfg.Data == "":
			return cli.Misuse(cmd, "give --data DIR")
		case (cfg.CertFile == "") != (cfg.KeyFile == ""):
			return cli.Misuse(cmd, "--cert and --key belong together")
		case len(cfg.NATS) == 0 && (cfg.SecretFile != "" || len(cfg.Adopt) > 0):
			return cli.Misuse(cmd, "--cluster-secret-file and --adopt need --nats")
		case slices.ContainsFunc(cfg.Adopt, func(name string) bool { return !slices.Contains(identity.Adoptable, name) }):
			return cli.Misuse(cmd, "--adopt is one of %s", strings.Join(identity.Adoptable, ", "))
		case cfg.Copies < 0 || cfg.Copies > 5 || cfg.Copies > 0 && len(cfg.NATS) == 0:
			return cli.Misuse(cmd, "--copies is 1 to 5, and needs --nats")
		case cfg.ClientLife < 0 || cfg.ClientLife > 0 && cfg.ClientLife < cloud.MinClientLife:
			return cli.Misuse(cmd, "--client-life is at least %s", cloud.MinClientLife)
		case keep < 1 || keep > mostDays || keepLogs < 1 || keepLogs > mostDays:
			return cli.Misuse(cmd, "--keep-days and --keep-log-days are 1 to %d", mostDays)
		case cfg.TokenLife < 0 || cfg.TokenLife > 0 && cfg.TokenLife < time.Second:
			return cli.Misuse(cmd, "--token-life is at least 1s")
		}
		cfg.Keep, cfg.KeepLogs = time.Duration(keep)*day, time.Duration(keepLogs)*day
		if err := checkNATS(cmd, cfg.NATS, cfg.Login); err != nil {
			return err
		}
		if cfg.JobCommand != "" {
			if err := jobs.CheckCommand(cfg.JobCommand); err != nil {
				return cli.Misuse(cmd, "--job-command: %w", err)
			}
		}
		var err error
		if cfg.Platform, err = to.Config(o.Getenv, os.Open); err != nil {
			return err
		}
		if cfg.SignOn, err = signOn.config(cmd); err != nil {
			return err
		}
		cfg.Version = o.Version
		cfg.Notice = o.Stderr
		cfg.Logger = logger(o, &level)
		return cloud.Run(cmd.Context(), cfg)
	}
	return cmd
}

// mostDays is the longest that anything is kept.
const (
	mostDays = 3650
	day      = 24 * time.Hour
)

// logger writes text to stderr, without times where journald adds them.
func logger(o *operator.Env, level slog.Leveler) *slog.Logger {
	journald := o.Getenv("JOURNAL_STREAM") != ""
	return slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if journald && len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
