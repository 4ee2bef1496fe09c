// Package cli is the command line of tccloud: one file per verb, each a
// constructor of the cobra command and a working function apart from it.
//
//	serve                            a cloud in this process (package serve)
//	env server bundle app run        the operator's verbs: each a call of the
//	execution variable status        admin API through package client
//
// Answers go to stdout, as text or with --json; everything else goes to
// stderr. An error is printed once, in Main, with a hint on the next line where there
// is one, and becomes an exit code by the table in exit.go.
package cli
