// Package interpreter installs the Python or Java that Apps run with, without a network.
//
//	archive ──► HOME/python/<digest>.new ──► it runs, and is 3.11 ──► HOME/python/<digest>
//
// An archive is unpacked through an os.Root: no entry and no link leads out of its folder. Sizes
// and numbers are bounded, set-id bits are dropped, and the sandbox user can read everything,
// whatever the umask (the guide's chmod). The folder gets its name only when the program in it has
// run and has printed the right version. Each archive has a folder of its own, so that running jobs
// keep theirs.
package interpreter
