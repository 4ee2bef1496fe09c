// Package release is what a signed release is: its version, platform, size and digest, how they are
// written into the targets metadata of an update repository, and how they are read back.
//
//	tcenvsvr/linux/amd64/1.4.2/tcenvsvr     the name that is signed
//	tcenvsvr/linux/amd64/1.4.2/HEX.tcenvsvr where the program lies, by its SHA-256
//	tcenvsvr/linux/amd64/1.4.2/HEX.delta    where a delta to it lies, by the delta's
//
// Decoding is strict: a target whose name and data disagree, or that has an unknown field, is not a
// release.
package release
