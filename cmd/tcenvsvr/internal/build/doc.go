// Package build has the version of this program: the one that a release was linked with, or the one
// that the Go toolchain recorded about the source. "status", the hello message and support bundles
// all take it from here.
package build
