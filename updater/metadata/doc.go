// Package metadata verifies the signed metadata of an update repository (The Update Framework,
// TUF): which releases exist, and that nobody has removed one, put an old one back, or added one.
//
//	root of trust ─► N.root.json … ─► timestamp.json ─► N.snapshot.json ─► N.targets.json ─► releases
//	(in the package)  signed by the    signed_at,        versions           name, size,
//	                  one before       expires in days                      SHA-256, deltas
//
// The cryptography, the thresholds and the order of checks are go-tuf's trustedmetadata. This
// package adds what a service needs that must never get stuck and never be deceived:
//
//   - A floor of versions of its own, fsynced. A lost or damaged cache neither stops updates nor
//     lets an older repository in. The floor of a role holds for its set of keys: if a thief of
//     the timestamp key drives the version up, a new root with a new key resets it.
//   - A clock of its own. It believes no time before the program was built, or before the newest
//     signed_at, so a slow clock accepts nothing expired. The newest is that of the highest
//     version: a signer's clock that was ahead for a while blocks nothing.
//   - A recover around everything that decodes what others wrote.
//
// The bytes come from a [Source]: the cloud by HTTPS, for the agent; or a folder, for an offline
// bundle and for root's helper, which has no network and verifies again what the agent downloaded.
// The folder of a [Client] has the layout of a Source, for the next Client.
//
// Expired metadata means a warning and no update. It never ends the agent.
package metadata
