// Package envelope seals the parameters of an order: its submitter seals them, and only the servers
// that may run it can open them. The cloud between the two stores, queues and logs what it cannot
// read.
//
//	server            Ring in its Store: sealing keys            never leave the host
//	  │ New, signed with the client certificate's key
//	  ▼
//	Statement ──────► cloud ──────► submitter
//	                                  │ Verify: by the CA, or a pinned fingerprint
//	                                  ▼
//	tcsealed:v1:… ◄──────────────── Seal, to all servers of the Environment
//	  │ a parameter like any other, through store, queue and journal
//	  ▼
//	server: Ring.Open, on the way to the App
//
// A sealed value opens for its order, Environment and parameter only: one that was moved to another
// does not open. One for the runs of a Job opens in each of them, for one package, and beside all
// that was sealed with it ([Job]): how often a Job runs is the cloud's word. README.md has the formats
// byte by byte.
//
// # Algorithms
//
// HPKE (RFC 9180, base mode) with X-Wing (ML-KEM-768 and X25519 together), HKDF-SHA256 and
// AES-256-GCM. A cloud that records sealed passwords today could open X25519 alone once there are
// quantum computers, and passwords live long; X25519 beside it holds should ML-KEM not. The price
// is 1.2 KB for each server and value. AES-256-GCM rather than ChaCha20-Poly1305, because FIPS mode
// has it. There is no negotiation: other algorithms would be another version of the text form.
//
// # Whom the submitter trusts
//
// Anybody who can present a sealing key of their own as that of a server can read what is sealed to
// it. So a [Statement] is good only with one of:
//
//   - the CA of the servers' client certificates. Where the cloud holds the CA's key itself (the
//     reference cloud does), this helps against somebody who reads its store or queue, not against
//     somebody who controls the cloud, and could certify a server of their own.
//   - the fingerprint of the sealing key, read at the server and given to the submitter by other
//     means than the cloud ([Trust].Pins). This holds even against somebody who has the CA's key. A
//     new key has a new fingerprint.
//
// With both, both must be right. Neither says that a server still belongs to the Environment: the
// submitter decides which of the pinned servers to seal to.
//
// # Rotation
//
// [Ring.Rotate] makes a new key and keeps the old one for [Overlap], in which statements about it
// and orders sealed to it run out. The next statement has the new key. A server does that by itself
// twice a year, and "tcenvsvr keychain rotate" at once; with --forget it drops the older keys.
//
// A server whose keychain is lost makes a new key ([Store.Open]). What was sealed to the lost one
// is refused with [ErrRecipient], which names both keys.
//
// # What it does not hide
//
// The length, in steps of 64 bytes; the name of the parameter; and how many servers can open it.
// Sealing does not prove who sealed: signing the order does (package signed), and the signature
// covers the sealed text. Somebody who gets a server's key later can open values that were recorded
// before: HPKE has no forward secrecy towards the recipient, which is why keys rotate.
package envelope
