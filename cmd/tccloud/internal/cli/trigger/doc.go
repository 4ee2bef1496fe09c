// Package trigger is the command "tccloud trigger", which manages what services watch for and which
// Apps their events start.
package trigger
