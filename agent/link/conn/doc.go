// Package conn carries wire messages over the two transports of port 62000, the raw TLS socket and
// WebSocket, so that everything above sees one type. Agent and cloud share it.
//
// One goroutine reads, any number may write. Writes are serialised, and each has a deadline, so
// that a frozen peer holds a writer for a bounded time. [Conn.Close] may be called from any
// goroutine and ends reads and writes.
package conn
