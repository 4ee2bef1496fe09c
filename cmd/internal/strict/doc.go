// Package strict runs a tree of commands that knows its words: cobra answers
// a wrong word after a group of commands, or before --help, or after "help", with
// some help text and success, and a script that misspelt a verb goes on as
// if it had been done.
//
// All programs of ours run through it, so that they answer alike.
package strict
