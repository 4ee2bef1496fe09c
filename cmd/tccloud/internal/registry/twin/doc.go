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
// one that everybody has a copy of ends with that.
package twin
