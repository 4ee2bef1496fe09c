// Package build says which build of the program this is: the version that
// a release was linked with, or what the Go toolchain recorded about the
// source, so that `status`, hello and support requests name the same thing.
package build
