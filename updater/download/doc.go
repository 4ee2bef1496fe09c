// Package download fetches the programs and deltas that signed metadata names.
//
// A file is known by its SHA-256 before its first byte arrives. It grows in a partial
// file of that name, which a later attempt, even of another process, goes on with; it gets its final
// name only after its length and hash were compared. What a broken or hostile server can do is
// to waste as many bytes as were signed, at no less than a lowest speed, within a deadline.
//
//	HEX.part ── Range, If-Range ──► whole? ── SHA-256 ──► HEX     (no: removed, begun anew)
//
// Where the running program's hash is among the release's deltas, the delta is fetched
// instead and the program rebuilt; whatever is wrong with a delta, the whole program is fetched.
package download
