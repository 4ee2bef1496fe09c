// Package key is the command "tccloud key", which makes the keys that sign Apps and orders: a file
// for each of its words. It needs no cloud.
package key
