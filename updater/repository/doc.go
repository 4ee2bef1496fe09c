// Package repository makes update repositories: the maintainers' side of package
// metadata. The files of one are static; any web server, or tccloud, can serve them.
//
//	DIR/metadata/  N.root.json N.targets.json N.snapshot.json timestamp.json
//	DIR/targets/   programs and deltas, named by their SHA-256
//	DIR/staged/    root.json, targets.json that still lack signatures
//
// Root and targets want two of three keys that are kept offline, snapshot and timestamp
// have one key each that is online and can do no more than hold releases back. What is
// changed is staged first; keys may then sign one after the other, on different machines; with
// the last signature that is wanted it is published. Publishing writes the timestamp last:
// clients see the old repository or the new one.
//
//	Init ─► Add, Revoke, Rotate ─► staged ── Sign × threshold ──► published ── Refresh daily ──►
//
// Keys are ECDSA P-256 with SHA-256, which FIPS 140 approves.
package repository
