// Package compile builds what goes into a package besides its description: the programs, their
// manual pages and completions, and the SBOM.
//
// Builds are reproducible: no cgo, no paths, no build id, version and commit by the linker; what
// the Go toolchain records of the working copy is left out, since a tree with a stray file would
// give other bytes.
package compile
