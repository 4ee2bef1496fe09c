// Tccloud is a self-hosted Dedicated Cloud: Environment Servers connect to it in the demo, in the
// tests, and wherever there is no other.
//
//	tccloud serve --data DIR          the cloud: broker (62000), HTTPS API, store
//	tccloud node --data DIR           a node of the cluster that keeps a cloud of several machines
//	tccloud env | server | bundle     which servers may connect
//	tccloud app | variable            what they run
//	tccloud key                       keys that sign Apps and orders
//	tccloud run | execution           orders and their results
//	tccloud job                       Apps that run by a schedule
//	tccloud service | trigger         Apps that run for weeks, and what starts others
//	tccloud release                   which release servers run
//	tccloud user | token | audit      who may do that, and who did what
//
// "tccloud help" explains each command, "tccloud help exit-codes" the exit codes.
//
// # Where things are
//
//	internal/cli        the commands; a command's path is its words
//	internal/cloud      the composition root of "serve"
//	internal/gateway    the broker's port and the sessions of agents
//	internal/dispatch   the life of an order: queue, delivery, result, logs
//	internal/jobs       Apps that run by a schedule, and what they left for their next run
//	internal/services   Apps that run for weeks: where each runs, its triggers, events and calls
//	internal/platform   what Apps ask the platform, answered here or passed on to a real one
//	internal/registry   Environments, servers, certificates, bundles
//	internal/catalog    Apps, what they store, and the files that they publish
//	internal/releases   self-update: releases, rollouts, installation packages
//	internal/api        HTTPS for operators, agents and Apps; internal/client calls it
//	internal/console    pages for people in a browser; they ask the API as who has signed in
//	internal/access     users, API tokens, one-time links, the audit log
//	internal/store      NATS JetStream, embedded or a cluster
//	internal/identity   what makes gateways over one cluster one cloud
//	internal/health     the cloud's checks of itself
//	internal/metrics    what Prometheus is told
//	internal/pace       HTTP transfers that may take long, but not stand still
//	internal/demo       a cloud and agents as processes, in one command
package main
