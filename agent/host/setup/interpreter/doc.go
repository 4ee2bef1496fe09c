// Package interpreter puts the Python or Java that Apps run with in place, without a network.
//
//	archive ──► HOME/python/<digest>.new ──► it runs, and is 3.11 ──► HOME/python/<digest>
//
// An archive is unpacked through an os.Root: no entry and no link leads out of
// its folder, sizes and numbers are bounded, set-id bits are dropped, and everything can
// be read by the sandbox user whatever the umask (the guide's chmod). Its folder gets its
// name only when the program in it has run and said the right version. Each archive has a folder of
// its own, so that jobs in flight keep theirs.
package interpreter
