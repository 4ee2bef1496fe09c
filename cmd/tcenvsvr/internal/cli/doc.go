// Package cli is the command line of tcenvsvr. A command's path is its words: a command without
// subcommands is a file here (status.go, support_bundle.go, …), a group is a folder with one file
// per command ("certs add" is certs/add.go).
//
//	enroll        enroll and unenroll           certs      private CAs
//	keychain      the master password           update     new versions
//	settings      show and change settings      slot       root's side of updates (hidden)
//	configure     the numbered menu             host       what the package sets up
//	service       as a service of this host     setup      Python and Java for Apps
//	app           run Apps without a cloud
//
//	env           what all commands share: home, becoming the owner, terminal, sealing
//	installation  where programs lie, and what decides which of them starts
//	help          the topics of "tcenvsvr help TOPIC", the manual pages and the reference
//
// In this folder, exit.go is the one table from errors to exit codes, and owner.go says which user
// a command becomes when root starts it. The frame that the three programs share is
// cmd/internal/cli.
//
// A command answers on stdout and writes everything else to stderr. Every command that answers has
// --json. Flags that are settings come from the settings table.
package cli
