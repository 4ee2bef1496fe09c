// Package user is the command "tccloud user", which manages who signs in to the console: a file for
// each of its words.
package user
