// Package memory keeps what waits small. An agent and a shim do next to nothing for most of their
// lives, but both have touched all of their program at the start, and Go's heap keeps room for
// garbage:
//
//	start: packages, settings, CAs ─► Trim ─► waits, in a half of it ─► works ─► waits ─► Trim …
//
// On Linux, pages of the program's file count as resident once they were touched. Trim unmaps those
// that were never written to; the kernel has them in its page cache, may drop them there when it
// needs room, and maps again what is used. Elsewhere Trim is the heap alone.
package memory
