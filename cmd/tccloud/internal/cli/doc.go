// Package cli is the command line of tccloud. A command's path is its words: "server keep" is
// server/keep.go, "run" is run.go.
//
//	serve                          a cloud in this process (package cloud)
//	env server bundle app run      the operator's commands: each is a call of the admin API through
//	execution variable release     package client; what they share is package operator
//	user token audit status
//	demo                           a cloud and agents as processes, for a look (package demo)
//
// Answers go to stdout, as text or with --json; everything else goes to stderr. An error is printed
// once, by Main, with a hint on the next line where there is one.
package cli
