// Package repository makes update repositories: the maintainers' side of package metadata. The
// files of one are static; any web server, or tccloud, can serve them.
//
//	DIR/metadata/  N.root.json N.targets.json N.snapshot.json timestamp.json
//	DIR/targets/   programs and deltas, named by their SHA-256
//	DIR/staged/    root.json, targets.json that still lack signatures
//
// Root and targets need signatures of two of three keys, which are kept offline. Snapshot and
// timestamp have one online key each, whose thief could hold releases back and no more. A change is
// staged first. Keys then sign it one after the other, perhaps on different machines, and the last
// signature that is needed publishes it. Publishing writes the timestamp last: clients see either
// the old repository or the new one.
//
//	Init ─► Add, Revoke, Rotate ─► staged ── Sign × threshold ──► published ── Refresh daily ──►
//
// Keys are ECDSA P-256 with SHA-256, which FIPS 140 approves.
package repository
