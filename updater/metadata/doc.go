// Package metadata verifies the signed metadata of an update repository (The Update
// Framework, TUF): which releases exist, and that nobody took one away, put an old one
// back or added one.
//
//	root of trust ─► N.root.json … ─► timestamp.json ─► N.snapshot.json ─► N.targets.json ─► releases
//	(in the package)  signed by the    signed_at,        versions           name, size,
//	                  one before       expires in days                      SHA-256, deltas
//
// The cryptography, the thresholds and the order of checks are go-tuf's trustedmetadata.
// Around it this package has what a service needs that must never be stuck or fooled:
//
//   - its own floor of versions, fsynced: a lost or torn cache neither stops updates nor
//     lets an older repository in. The floor of a role holds for its set of keys: after a
//     thief of the timestamp key ran the version up, a new root with a new key resets it;
//   - its own clock: no time before the program was built, or before the newest signed
//     signed_at, is believed, so a clock that runs slow accepts nothing expired. The newest
//     is that of the highest version: a signer's clock that was ahead for a while blocks nothing;
//   - a recover around everything that decodes what others wrote.
//
// Where the bytes come from is a Source: the cloud by HTTPS (the agent), or a folder (the
// helper of root, who has no network and verifies again what the agent downloaded; an
// offline bundle). The folder of a Client is laid out as a Source for the next one.
//
// Expired metadata means that there is no update, and a warning; it never ends anything.
package metadata
