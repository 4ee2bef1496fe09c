// Package twin knows when two hosts run as one server: a machine was cloned with its identity, or
// somebody has a copy of the keys.
//
//	     both answer at once                     an administrator chooses
//	none ───────────────────► Holder and Others ─────────────────────────► Kept
//	  ▲                          │ ten minutes without       renewed certificate │
//	  └──────────────────────────┘ another proof, or         of it is in use     │
//	  └──────────────────────────  the others have left  ◄───────────────────────┘
//
// That two hosts run is never inferred from addresses or names, which change for good reasons, but
// proved: one says hello, and the session of the other answers a ping that was sent afterwards.
// Holder is the host that had the session. While it is away for a moment (a reboot, a gateway that
// restarts) the Others are refused, so that waiting does not help them. Ten minutes after the last
// proof they are accepted, because the holder may be gone for good.
//
// Only a new key separates the two for good: the host that is kept renews its certificate, and the
// one that both have is refused from then on. No other host can renew while two run, and none in
// the first half of a certificate's life, so that a thief who finds the server away for a moment
// does not become the server.
//
// A host reports its name, machine and boot itself, and a copy of it can report the same; its
// address is what the cloud sees. So the kept host is recognised by both. If keys were stolen, make
// a new bundle: it changes the tokens, too, and only the host to which the administrator gives it
// has it.
package twin
