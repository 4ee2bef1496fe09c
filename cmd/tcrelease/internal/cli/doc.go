// Package cli is the command line of tcrelease: one file per verb, each a
// constructor and a working function.
//
// Exit codes: 0 done, 1 failed (for verify: something is wrong), 2 wrong use.
package cli
