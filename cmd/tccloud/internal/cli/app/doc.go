// Package app is the command "tccloud app", which adds, signs and removes the Apps of the catalog: a file
// for each of its words.
package app
