package cli

import "github.com/spf13/cobra"

// natsTopic is the help topic about a cloud of several machines.
func natsTopic() *cobra.Command {
	return &cobra.Command{Use: "nats", Short: "a cloud on several machines: nodes, gateways, backup, upgrade", Long: `A cloud on one machine keeps everything in its data folder. On several machines, nodes
("tccloud node", or NATS servers of your own) keep three copies of everything, of which
two must run, and two or more gateways ("tccloud serve --nats") are one cloud.

To try it on one machine:

  for n in 1 2 3; do tccloud node --data try/node-$n --listen 127.0.0.1:422$n \
    --peers 127.0.0.1:6221,127.0.0.1:6222,127.0.0.1:6223 & done
  tccloud serve --data try/gateway-1 --cluster-secret-file try/cluster.secret \
    --nats 127.0.0.1:4221,127.0.0.1:4222,127.0.0.1:4223 \
    --broker-addr 127.0.0.1:62001 --api-addr 127.0.0.1:8441 &
  tccloud serve --data try/gateway-2 --cluster-secret-file try/cluster.secret \
    --nats 127.0.0.1:4221,127.0.0.1:4222,127.0.0.1:4223 \
    --broker-addr 127.0.0.1:62002 --api-addr 127.0.0.1:8442 &

In production: a node on each of three machines, --user-file, --cert, --key and --ca for
the nodes; --nats-user-file and --nats-ca for the gateways. Ports: servers reach gateways
on 62000 and 443, gateways reach nodes on 4222, nodes reach each other on 6222.

The cluster secret: what a cloud is known by (CA, keys, admin token) is in the store,
sealed with it. The first gateway makes DIR/cluster.secret; each further one is given
a copy before its first start. The first line seals, all lines open: to replace a
secret, put a new line above the old one on all gateways, start them again one by one,
remove the old line. Keep a copy where backups are not.

Brokers: bundles name those of all gateways that were there within seven days, or those
of --public-broker. Servers try them in random order. The API: one name for all
gateways, by DNS or a load balancer that asks /readyz (--public-url).

Releases: "tccloud release add" at any gateway adds them to all at once. The two online
keys, in DIR/updates/keys of one gateway when it starts, are sealed into the store, and
the others have them after their next start. One of them signs and watches rollouts; when
it dies, another one does within seconds.

What a gateway has alone, and loses without harm: its TLS certificate, caches, uploads that
have not ended (they begin again at another one), its figures in /metrics, and its counts
of tries to sign in, calls and refusals: limits hold for each gateway.

A node whose disk is lost: start it with an empty folder under its old name. "tccloud
status" says when all copies are there again.

Backup, while all goes on, and restore into empty nodes, with all gateways stopped (by
the NATS command line):

  nats --server HOST:4222 account backup --consumers --force DIR
  nats --server HOST:4222 account restore DIR

Upgrade nodes first, then gateways, both one by one, each when "tccloud status" is well;
servers last.`}
}
