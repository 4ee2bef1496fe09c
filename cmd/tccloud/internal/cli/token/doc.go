// Package token is the command "tccloud token", which manages the API tokens of programs: a file for
// each of its words.
package token
