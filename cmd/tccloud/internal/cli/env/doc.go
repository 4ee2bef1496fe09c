// Package env is the command "tccloud env", which manages Environments: a file for each of its
// words.
package env
