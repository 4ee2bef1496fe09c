// Package port accepts connections on the broker's port, 62000, and finds out what they speak: the raw protocol
// and WebSocket beside each other, and whatever HTTP is mounted there.
//
//	accept ─ TLS ─┬─ ALPN tcenv/1 ──────────────► raw ──┐
//	              ├─ ALPN http/1.1 ─► HTTP ─ /broker ───┼─► Handler
//	              └─ none: first 4 bytes decide ────────┘
//	  plain HTTP: 400 and the end
//
// A TLS handshake costs the processor, so only some are under way at once. One that is too many is called
// busy, so that it can be told to come back later; far too many are closed.
package port
