// Package registry knows who may connect: Environments and their servers.
//
// Records live in a JetStream key-value bucket that all gateways of a cloud share; each keeps a
// copy in memory, fed by a watch, so that thousands of agents that come back at once are answered
// without a round trip:
//
//	env.<name>   Environment         srv.<xid>  record: current and pending identity
//	lnk.<…>      an enrollment link   clk        the time that connected servers confirmed last
//	nam.<digest> a server's claim to a name: of two that are given one at once, one gets it
//
// An identity is what one bundle carries: brokerToken, appDeliveryToken (only SHA-256 digests of
// these 256-bit random values are kept) and the client certificate. A new bundle for an existing
// server does not lock the running one out: its identity is pending until it is first used.
//
//	bundle ──► pending ──first use──► current ──revoke──► revoked
//	              └──another bundle replaces it
//
// A second host that runs with a copy of the identity is kept out, see package twin, until an
// administrator chooses one of them (Keep).
//
// While this host's clock cannot be trusted, the end of a certificate is compared with clk plus the
// monotonic time since (KeepTime). So servers that lie about their clocks, and thereby cause doubt
// about this host's, cannot make the cloud accept a certificate that had expired before.
//
// Sessions that must end at once (a server was revoked or removed, an Environment deactivated or
// removed, here or at another gateway) are cut by Run, which compares the live sessions with the
// records after every change.
//
// Sweep removes links that have expired, claims that nobody needs and servers revoked long ago.
//
//	pki      the CA, and the server's certificate     twin   two hosts that run as one server
//	bundle   the ZIP that makes an agent a server
package registry
