// Package cli is the command line of tcenvsvr: one file for each verb, a
// small constructor beside a working function, so that tests call the
// latter. exit.go is the one table from errors to exit codes.
//
// stdout is for the answer, stderr for everything else. --json is on every
// command that answers. Flags that are settings come from the settings table.
package cli
