// Package gateway has the sessions of agents, from hello to the end. It serves the broker's port,
// 62000, which package port accepts connections on.
//
//	port ─► hello ─► session ─► dispatch
//	          └─ error with a code
//
// Client certificates are requested by TLS and checked after hello, so that an agent whose
// certificate is missing, foreign or expired gets an error by name instead of a broken connection.
//
// A session is one goroutine that waits for frames on a small stack. Frames are handled in order by
// a goroutine that exists while there is something to handle, and written by another of the same
// kind: Send never blocks, and an agent that does not read is cut at its backlog or its write
// deadline, without delaying others. One timer sends all heartbeats. That keeps an idle agent
// small: most of what remains is crypto/tls and the agent's certificate.
//
//	hello ──► open ──┬─ error, garbage, 2.5 heartbeats of silence ─► Error ─┐
//	                 ├─ newer session, revoked ─────────────────────► Error ─┼─► linger ─► closed
//	                 ├─ shutdown ──────────────────────────────────► GoAway ─┘    1 s
//	                 └─ connection lost ────────────────────────────────────────► closed
//
// A hello does not replace a session that answers a ping: that, and not what hosts say of
// themselves, distinguishes two hosts that run with one identity (conflict.go).
//
// The epoch, the gateway that has a server, and the orders are the business of package dispatch.
// Gateways ask each other for their sessions, and pass on Control and Disconnect, by plain NATS
// messages (peers.go).
package gateway
