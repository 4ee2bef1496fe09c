// Package gateway serves the broker's port, 62000: TLS, the raw protocol
// and WebSocket beside each other, and whatever HTTP is mounted there.
//
//	accept ─ TLS ─┬─ ALPN tcenv/1 ──────────────► raw ──┐
//	              ├─ ALPN http/1.1 ─► HTTP ─ /broker ───┼─► hello ─► session ─► dispatch
//	              └─ none: first 4 bytes decide ────────┘     │
//	  plain HTTP: 400 and the end                             └─ error with a code
//
// Client certificates are asked for by TLS and judged after hello, so that an agent
// whose certificate is missing, foreign or expired is told so by name instead of seeing a
// broken connection.
//
// A session is one goroutine that waits for frames on a small stack. What
// it reads is handled in order by a goroutine that exists while there is something to
// handle, and written by another of the same kind: Send never blocks, an agent that does not
// read is cut at its backlog or its write deadline, and holds up nobody
// else. One timer sends all heartbeats. That is what keeps an idle agent small:
// most of what remains is crypto/tls and the agent's certificate.
//
//	hello ──► open ──┬─ error, garbage, 2.5 heartbeats of silence ─► Error ─┐
//	                 ├─ newer session, revoked ─────────────────────► Error ─┼─► linger ─► closed
//	                 ├─ shutdown ──────────────────────────────────► GoAway ─┘    1 s
//	                 └─ connection lost ────────────────────────────────────────► closed
//
// A hello does not push out a session that answers a ping: two hosts that run with one
// identity are told apart by that, not by what they say of themselves (contest).
//
// The epoch, who holds which server, and what becomes of its orders are
// dispatch's business. Gateways ask each other for their sessions, and pass on
// Control and Disconnect, by plain NATS messages.
package gateway
