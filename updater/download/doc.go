// Package download fetches the programs and deltas that signed metadata names.
//
// The SHA-256 of a file is known before its first byte arrives. The file grows under the name
// HEX.part, which a later attempt continues, even in another process. It gets its final name only
// after its length and hash were verified. A broken or hostile server can waste no more bytes than
// were signed, at no less than a lowest speed, within a time limit.
//
//	HEX.part ── Range, If-Range ──► whole? ── SHA-256 ──► HEX     (no: removed, begun anew)
//
// Where the release has a delta from the running program, [Fetcher.Release] fetches the delta and
// rebuilds the program. Where anything is wrong with the delta, it fetches the whole program.
package download
