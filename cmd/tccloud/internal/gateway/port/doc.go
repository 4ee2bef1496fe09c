// Package port accepts connections on the broker's port, 62000, and finds out what they speak: the
// raw protocol and WebSocket beside each other, and whatever HTTP is mounted there.
//
//	accept ─ TLS ─┬─ ALPN tcenv/1 ──────────────► raw ──┐
//	              ├─ ALPN http/1.1 ─► HTTP ─ /broker ───┼─► Handler
//	              └─ none: first 4 bytes decide ────────┘
//	  plain HTTP: 400 and the end
//
// A TLS handshake costs processor time, so only some are made at once. A connection above the limit
// is handed over as busy, so that it gets retry_later; far above the limit it is closed.
package port
