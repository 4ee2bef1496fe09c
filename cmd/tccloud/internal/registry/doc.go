// Package registry knows who may connect: Environments and their servers.
//
// Records live in a JetStream key-value bucket that all gateways of a
// cloud share; each keeps a copy in memory, fed by a watch, so that thousands
// of agents that come back at once are answered without a round trip:
//
//	env.<name>  Environment          srv.<xid>  record: current and pending identity
//	lnk.<…>     an enrollment link    clk        the time that connected servers confirmed last
//
// An identity is what one bundle carries: brokerToken, appDeliveryToken (only
// SHA-256 digests of these 256-bit random values are kept) and the client
// certificate. A new bundle for an existing server does not lock the
// running one out: its identity is pending until it is first used.
//
//	bundle ──► pending ──first use──► current ──revoke──► revoked
//	              └──another bundle replaces it
//
// A second host that runs with a copy of the identity is kept out, see package twin,
// until an administrator chooses one of them (Keep).
//
// While this host's clock is in question a certificate is judged by clk and the monotonic time since
// (KeepTime): doubt, which servers that lie can make, lets nobody in who was out before it.
//
// What must end at once (a server revoked or removed, an Environment
// deactivated or removed, here or at another gateway) is cut by Run, which
// compares the live sessions with the records after every change.
//
// Sweep removes links that have expired and servers revoked long ago.
package registry
