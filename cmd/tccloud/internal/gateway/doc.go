// Package gateway has the sessions of agents, from hello to the end. It serves the broker's port,
// 62000, which package port accepts connections on.
//
//	port ─► hello ─► session ─► dispatch
//	          └─ error with a code
//
// Client certificates are requested by TLS and checked after hello, so that an agent whose
// certificate is missing, foreign or expired gets an error by name instead of a broken connection.
//
// A session is one goroutine that waits for the first byte of a record, on a stack of 2 KB. What then
// comes is read, handled in order, and written by goroutines that exist while there is something to
// do: Send never blocks, and an agent that does not read is cut at its backlog or its write deadline,
// without delaying others. One timer sends all heartbeats.
//
// An idle agent costs some 20 KB. Most of it is crypto/tls, which keeps the buffers of the handshake
// (3.5 KB) and the keys of both directions (1.8 KB), and the agent's certificate (2.6 KB); then the
// waiting goroutine, the session, the descriptor, and the collector's room.
//
//	hello ──► open ──┬─ error, garbage, 2.5 heartbeats of silence ─► Error ─┐
//	                 ├─ newer session, revoked ─────────────────────► Error ─┼─► linger ─► closed
//	                 ├─ shutdown ──────────────────────────────────► GoAway ─┘    1 s
//	                 ├─ far more agents here than elsewhere ► GoAway ─► the agent leaves by itself
//	                 └─ connection lost ────────────────────────────────────────► closed
//
// Agents of a gateway that stops come back at random moments, 200 a second, to all that are left
// (balance.go). A gateway that has more than its share of all agents by a quarter, and by more than ten,
// sends five idle ones a second to the others until it has its share: 9,000 that all came to one of two
// are even after 15 minutes. Agents with an order or a service stay, and so do those that came back,
// for an hour.
//
// A hello does not replace a session that answers a ping: that, and not what hosts say of
// themselves, distinguishes two hosts that run with one identity (conflict.go).
//
// The epoch, the gateway that has a server, and the orders are the business of package dispatch.
// Gateways tell each other of their sessions (package roster), and pass on Control and Disconnect, by
// plain NATS messages (peers.go).
//
// # How far it goes
//
// Measured with two gateways over three nodes and 9,000 agents each ("bench gateways"), before package roster
// kept the sessions of other gateways: a gateway without servers has 33 MB; each server of the cloud adds 0.9 KB, each
// agent of its own 22 KB and 0.0013 % of a core while it idles, nearly all of it heartbeats and info. The
// session of another gateway is about 1 KB more, which is counted and not measured.
//
// From that, 100,000 servers on twelve gateways: 33 + 8,400 × 22 KB + 100,000 × 0.9 KB + 92,000 × 1 KB, which is 400 MB
// and an eighth of a core for each gateway. Their info, of 1 KB a minute, comes to every gateway: 1,700 messages a
// second, so beyond that it should go only to gateways where somebody looks.
//
// What does not grow with gateways is the store. All orders are in one stream, whose leader writes twice or three
// times for an order (package dispatch): some 230 orders a second on two cores of 2026 that also ran the gateway. 100,000
// servers with an order each ten minutes are 170 a second. More than one order each five minutes needs a bucket of
// executions, and a queue, for each share of the Environments: nothing in package ledger
// or queue compares two Environments, so that is a matter of which bucket a name belongs to. It is not built.
package gateway
