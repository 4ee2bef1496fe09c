// Package broker is the MQTT broker of one service App, in the App's shim. It speaks for the platform:
//
//	App ── TLS, loopback ──► uid? ─► CONNECT: token? one at a time? ─┬─ PUBLISH svc-client-ID ─► Config.Said
//	                                                                 └─ SUBSCRIBE svc-server-ID ◄─ Publish
//
// The protocol is that of github.com/mochi-mqtt/server; nothing of it but the two topics is left: no
// retained messages, no wills, no sessions that outlive a connection, no MQTT 5, and no topic index
// that a message would pass through.
//
// The port is on loopback, where every user of the host can connect, and the App as well before it has
// TLS (TcEx does, once). Where the system tells whose a connection is (Linux), another user's is closed
// before a byte of it is read. Whoever else has no token gets no further than CONNECT, of which few may be
// under way at a time and none for long. Other Apps are the same user: where there is a crowd, only connections
// that a process of our App holds stay (door.go).
//
// Everything is bounded: the size of a packet, which is looked at before memory is taken for it; what
// waits for an App that does not read; how long a write may take. An App that publishes faster than
// Config.Said returns is held up by its own connection.
package broker
