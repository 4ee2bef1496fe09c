// Package wire is the protocol between an Environment Server ("agent") and the Dedicated Cloud's
// message broker ("cloud") on port 62000: its messages, their limits and their encoding. It imports
// the standard library only and is shared by both sides.
//
// # Frames
//
// One message is one JSON object {"kind": K, "body": {…}} of at most 256 KiB. Two transports carry
// the same bytes on the same port:
//
//   - raw: TLS 1.3 with ALPN "tcenv/1"; each message is preceded by its length, 4 bytes big-endian.
//     The length is checked before memory is allocated for it.
//   - WebSocket: TLS with ALPN "http/1.1", GET /broker, one binary message a frame, no compression.
//
// The agent always speaks first. Where an inspecting proxy has dropped ALPN, the cloud tells the
// transports apart by the first bytes: "GET " is not a valid length.
//
// # Session
//
//	agent                         cloud
//	  │── hello ─────────────────►│  certificate, brokerToken, serverXid, state of the host
//	  │◄───────── welcome ────────│  epoch, heartbeat, fenced orders, log offsets
//	  │       or  error  + close  │  code says why, retry_after_ms when
//	  │◄──────── order … ─────────│  at most as many as slots + Σ credit
//
// The newest session of a serverXid has the highest epoch; an older one that is still open gets
// error "fenced" and is closed. But a hello does not replace a session that is alive: the cloud
// pings that one first.
//
//	the older session                     and the hello is of
//	                                      the same journal and boot      another host
//	answers (two run at once)             identity_in_use                identity_in_use
//	does not answer                       takes over                     retry_later, until it is
//	                                                                     dead by its heartbeats
//	is of an earlier bundle               takes over                     takes over
//
// Both hosts learn that the identity is in use, the one that keeps the session by control twin,
// until an administrator decides. The cloud then asks the host that stays to renew its certificate
// (control renew), which makes the other host's copy of the keys worthless. A side that has sent
// nothing for heartbeat_ms sends ping; a side that has heard nothing for 2.5 heartbeats closes.
// Times on the wire are durations; server_time and clock only show how far the clocks are apart.
//
// A hello with probe set is checked in the same way but opens no session: the answer is probed or
// error, and the connection ends. No session is fenced. With leave set as well, the cloud revokes
// the server, unless another host is connected as this server (probed.in_use). With seal_key the
// cloud keeps the statement of a server that has just been enrolled (probed.seal_key).
//
// Credit: hello.slots orders may be sent at once, each credit{n} allows n more. The agent grants
// one whenever an order has left it: finished, refused, recalled or cancelled. The cloud never
// sends an order without credit.
//
// # Brokers
//
// A cloud may say in welcome, and by control brokers when they change, where else it can be reached.
// The agent keeps that, and may open its next session at any of them. It trusts nobody for it: what
// answers there must have a certificate of the CAs that came with the bundle, for the name that was
// told; the CAs of the host and of its administrator, with which a proxy may inspect, do not count.
//
// # Life of an order
//
//	queued ─ order ─► delivered ─ accepted ─► accepted ─► preparing ─► running ─ result ─► outcome
//	   ▲                │ refused, or not in the next hello      │
//	   └────────────────┘◄──────── recalled, or hold and lost ───┘
//
//	outcome: succeeded | partial | failed | cancelled | timed_out | interrupted | rejected
//
// (order, attempt) is the fence. The cloud raises attempt when it gives an order out for another
// start; from then on it refuses every message about an older attempt.
//
//   - order → accepted only after the agent's journal is fsynced; → refused if the agent cannot
//     take it now. An order that is in the journal already is answered from it and not started
//     again.
//   - accepted{hold:true}: the App is not on the host yet. The agent prepares, sends ready and
//     starts only on start. Until the cloud has sent start it may move the order, because it knows
//     that the App was not started. An agent that finds accepted orders in its journal after a
//     restart holds them too and sends ready in the next session.
//   - result is repeated in every session until result_ack.
//   - An order in hello.orders that the cloud does not know as this server's current attempt comes
//     back in welcome.fenced: the agent ends it silently.
//   - An order that the cloud knows as this server's and that hello does not name never reached the
//     journal (delivered: queued again) or was lost with it (interrupted; queued again where
//     retryable). So is one that was delivered to another journal than hello.journal.
//   - A server that stays away longer than the cloud's lease: held and unstarted orders are queued
//     again, others are interrupted.
//
// # Services
//
// A service App runs until it is told to end. One that runs is an order as any other, with a runtime
// of services, a service, and timeout_ms 0: so one order runs once, and what ended it is a result.
// The desired state, restarts and upgrades are the cloud's, by new orders. Services have credit of
// their own: the cloud sends such an order only where hello.services + Σ credit.services allows it,
// and no order of a service takes a slot of jobs. An agent without these fields gets none.
//
//	cloud                              agent                  App
//	  │── order ────────────────────────►│── start ────────────►│
//	  │◄─ service_said seq 0: State ─────│◄─ connect ───────────│  begin of a session, and changes
//	  │── service_send: CreateConfig … ─►│── server topic ─────►│
//	  │◄─ service_said seq 0 ────────────│◄─ Acknowledged ──────│
//	  │◄─ service_said seq 1, 2 … ───────│◄─ FireEvent ─────────│  on the host's disk before it is told
//	  │── service_taken seq 2 ──────────►│                      │
//	  │── cancel ───────────────────────►│── Shutdown ─────────►│
//	  │◄─ result cancelled ──────────────│◄─ exit ──────────────│  after the events were taken
//
//	seq 0     Ready, Acknowledged, WebhookEventResponse and whatever else the App answers: sent in the
//	          session it was made for or not at all. The cloud bounds its waiting.
//	seq ≥ 1   FireEvent and UpdateTriggerValue, without a gap within one attempt. They come again in
//	          each session from the first one that is not taken; the cloud ignores those it has.
//	          {"command":"Lost","count":N,"reason":…} stands for events that the host could not keep.
//
// Heartbeats stay between agent and App; the cloud learns of them by State. A service that
// ended though nobody cancelled its order has failed, whatever its exit code: error service.ended, or
// service.silent if it did not answer heartbeats.
//
// # Client certificates
//
// At two thirds of its certificate's life, where welcome.renews is set, the agent sends renew with
// a request for a fresh key; renewed brings the certificate. The agent stores it as pending and
// connects anew with it; a session with it makes it the current one on both sides. Until then the
// cloud accepts the old one as well, so that neither side's death in between locks the server out.
// renew.newest says which of the issued certificates has reached the agent's disk.
//
// # Large things, by HTTPS
//
// Relative to apiURL, "Authorization: Bearer <appDeliveryToken>":
//
//	GET  /api/internal/envsvr/server                            {"server_xid":…}: whose the token is
//	GET  /api/internal/envsvr/apps/{sha256}                     the .tcx; Range is honoured
//	GET  /api/internal/envsvr/apps/{sha256}/signature           its publisher's signature, 404 without one
//	GET  /api/internal/envsvr/orders/{order}/{attempt}/params   {"name":"value",…} when params_by_https
//	HEAD /api/internal/envsvr/orders/{order}/{attempt}/files/{name}     Upload-Offset: bytes held
//	PUT  /api/internal/envsvr/orders/{order}/{attempt}/files/{name}?offset=N&size=S&sha256=H
//	     body: bytes from N. 204 complete and verified (also when it was
//	     before); 202 + Upload-Offset more is wanted; 409 + Upload-Offset wrong
//	     offset; 410 the attempt is fenced; 422 digest differs, start again at 0
//
// {name} is path-escaped, slashes included.
//
// # Version rule
//
// Within a major version fields may be added and receivers ignore those they do not know; kinds,
// states and codes are added only where the peer's hello or welcome shows that it knows them. An
// unknown kind is an error that ends the session (error "protocol"), never a lost order. A new
// major has a new ALPN name.
package wire
