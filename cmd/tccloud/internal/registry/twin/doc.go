// Package twin is what is known when two hosts run as one server: a machine was
// cloned with its identity, or somebody has a copy of the keys.
//
//	     both answer at once                     an administrator chooses
//	none ───────────────────► Holder and Others ─────────────────────────► Kept
//	  ▲                          │ ten minutes without       renewed certificate │
//	  └──────────────────────────┘ another proof, or         of it is in use     │
//	  └──────────────────────────  the others have left  ◄───────────────────────┘
//
// That two run is never inferred from addresses or names, which change for good reasons, but
// proved: one says hello while the session of the other answers a ping that was sent after it.
// Holder is who had the session. While it is away for a moment (a reboot, a gateway that restarts), the
// Others are kept out, so that nobody who waits gets what he was refused; ten minutes after the last
// proof they are let in, because the holder may be gone for good.
//
// What separates the two for ever is a fresh key: the host that is kept renews its certificate, and the
// one that everybody has a copy of ends with that. Nobody else renews while two run, nor in the first half
// of a certificate's life, so that a thief who finds the server away for a moment does not become it.
//
// Name, machine and boot are what a host says, and a copy of it can say the same; the address is what
// the cloud saw. So who is kept is known by both. Where keys were stolen a new bundle is the way out: it changes
// the tokens, too, and only who gets it from the administrator has it.
package twin
