// Package link is the agent's connection to the cloud's message broker: it opens it, keeps it
// alive, and opens it again whenever it ends.
//
//	         ┌─────────────────────── wait ◄─────────────────────┐
//	         ▼  full jitter ≤ 60 s, or as the cloud asked; Wake  │ fault
//	Run ─► dial ─► TLS ─► [WebSocket] ─► hello ─► welcome ─► session
//	        │ dns, tcp,     tls.*  websocket.*  hello.*         session.*
//	        │ or proxy                                │
//	        └── each failure is a fault.Fault, shown by State
//
// # Brokers
//
// A cloud may have several brokers, and name more in its sessions (package directory). An attempt
// goes through them, in random order and those that failed last at the end, until one takes this
// server (brokers.go): so the agents of a gateway that dies are at another one after the first pause,
// which is a second at most. A name with several
// addresses is one broker, of which package proxy tries all addresses.
//
// # Session
//
// What is sent belongs to one session. Its queues are made and discarded with it, so a message of
// an old session is never sent in a new one. A sender that needs delivery (the journal) sends again
// after the welcome.
//
//	Send, SendIn ──────► control lane ─┐
//	Log, SendLast ─────► log lane ─────┤ one writer ─► conn   control first, always;
//	heartbeat, pong ───────────────────┘                      one log chunk at a time
//	Handler ◄─────────────────────────── one reader ◄─ conn
//
// A control message therefore waits behind one log chunk at most (and behind 64 KiB in the kernel
// on Linux, see package proxy). The log lane holds few chunks; the sender of logs waits for room
// there, the App that writes them does not.
//
// # Heartbeat
//
// The agent sends ping when it has sent nothing for one heartbeat (welcome.heartbeat_ms), and ends
// the session when it has heard nothing for 2.5 heartbeats. A half-open connection is thus detected
// within 2.5 heartbeats, whichever direction froze. A change of the host's network, or of its
// clock, probes the connection at once. Pings and their answers carry the sender's clock;
// [State.Skew] is the difference.
//
// # Sub-packages
//
//	wire      the protocol: messages, limits, encoding
//	conn      carries messages over raw TLS or WebSocket
//	proxy     opens TCP connections, directly or through the customer's proxy
//	fault     the names of what can go wrong with a connection
//	netwatch  notices that the host's network has changed
//	pulse     tells whether a loop still makes progress
//	signed    orders that an operator has signed, which the cloud can neither change nor repeat
//	linktest  a message broker for tests
//
// # Trust
//
// [Config.TLS] is called for every connection, because CAs and the client certificate change at run
// time. There is no switch that turns verification off.
package link
