// Package release has the nouns of an update repository: what a signed release
// is, and how its name, size, digest and custom data are written into the targets
// metadata and read back.
//
//	tcenvsvr/linux/amd64/1.4.2/tcenvsvr     the name that is signed
//	tcenvsvr/linux/amd64/1.4.2/HEX.tcenvsvr where the program lies, by its SHA-256
//	tcenvsvr/linux/amd64/1.4.2/HEX.delta    where a delta to it lies, by the delta's
//
// Decoding is strict: a target whose name and data disagree, or that carries a field
// nobody knows, is no release.
package release
