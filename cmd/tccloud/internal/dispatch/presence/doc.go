// Package presence knows which gateway has which server's session.
//
// Claim writes the bucket "sessions", key = serverXid; the revision of the write is the session's
// epoch. Revisions only grow, so the newest claim has the highest epoch without a read, a lock or a
// conflict, whichever gateways are involved. All gateways watch the bucket, and the one that has an
// older session of the same server fences it.
//
// Nothing is written when a session ends. Instead each gateway publishes every two seconds on a
// plain subject that it is alive:
//
//	the session is held by …      its server is away since …
//	this gateway                  the session ended here
//	another one, alive            that gateway's business
//	another one, silent for 6 s   it was last heard, or this process started
//
// So a server's absence is counted by a gateway that can know it, and a gateway that crashes need
// not write anything.
//
// Time in which no gateway could have accepted a server does not count as absence: while the store
// takes no writes (store.Health) nothing is counted, and once it does again, or after the start of
// a cloud, every server has the full lease to come back.
package presence
