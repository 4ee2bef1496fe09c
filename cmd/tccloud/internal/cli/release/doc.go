// Package release is the command "tccloud release", which decides which release servers run: a file
// for each of its words.
package release
