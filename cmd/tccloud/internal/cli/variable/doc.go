// Package variable is the command "tccloud variable", which manages what Apps may resolve at run
// time: a file for each of its words.
package variable
