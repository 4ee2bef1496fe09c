// Package link is the agent's connection to the cloud's message broker:
// it makes it, keeps it alive, and makes it anew for ever.
//
//	         ┌─────────────────────── wait ◄─────────────────────┐
//	         ▼  full jitter ≤ 60 s, or as the cloud asked; Wake  │ fault
//	Run ─► dial ─► TLS ─► [WebSocket] ─► hello ─► welcome ─► session
//	        │ dns, tcp,     tls.*  websocket.*  hello.*         session.*
//	        │ or proxy                                │
//	        └── each failure is a fault.Fault, shown by State
//
// # Session
//
// What is sent belongs to one session: queues are made with it and die with
// it, so that nothing said in an old session is ever sent in a new one. Whoever
// needs delivery (the journal) says it again after the welcome.
//
//	Send, SendIn ──────► control lane ─┐
//	Log, SendLast ─────► log lane ─────┤ one writer ─► conn   control first, always;
//	heartbeat, pong ───────────────────┘                      one log chunk at a time
//	Handler ◄─────────────────────────── one reader ◄─ conn
//
// A control message therefore waits behind one log chunk at most (and
// behind 64 KiB in the kernel on Linux, see package proxy). The log lane holds few
// chunks; who sends logs waits for room, not the App that writes them.
//
// # Heartbeat
//
// When nothing was sent for a heartbeat (welcome.heartbeat_ms), ping is. When
// nothing was heard for 2.5 heartbeats, the session ends: a half-open
// connection is detected within 2.5 heartbeats whichever direction froze. A change of
// the host's network, or of its clock, probes the connection at once. Pings and their answers
// have the sender's clock: State.Skew is how far the two are apart.
//
// # Trust
//
// The TLS configuration is asked for at every connect, because CAs and the client
// certificate change at run time. There is no switch that turns verification off.
package link
