// Package conn carries wire messages over the two transports of port
// 62000, the raw TLS socket and WebSocket, so that everything above sees
// one type. Agent and cloud share it.
//
// One goroutine reads, any number write: writes are serialised and each
// has a deadline, so that a frozen peer can hold a writer only so long.
// Close may be called from anywhere and ends both.
package conn
