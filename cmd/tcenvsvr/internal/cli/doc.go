// Package cli is the command line of tcenvsvr: the table of its verbs, which live
// in one package for each topic below verb, in exit.go the one table from errors
// to exit codes, and in owner.go whom a command becomes when root types it.
//
// stdout is for the answer, stderr for everything else. --json is on every
// command that answers. Flags that are settings come from the settings table.
package cli
