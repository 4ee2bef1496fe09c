// Package cli is the frame of our programs' command lines: what every command of tcenvsvr, tccloud
// and tcrelease has in common, so that all three read, answer and fail alike.
//
//	command.go    the root, groups of commands, the sections of the root's help
//	execute.go    runs the tree; an unknown word is an error, not a help text and success
//	help.go       the help of every command: usage first, flags by groups
//	usage.go      mistakes in the command line, and checks of positional arguments
//	exit.go       the table from errors to exit codes; prints an error with its hint
//	output.go     answers: JSON, tables, names with values
//
// A program builds its tree with [Root], runs it with [Execute] and ends with the code that
// [ExitCodes.Report] returns. The package knows none of the programs: each passes in its own table
// of exit codes and its own hints.
package cli
