// Package dispatch is the life of an order on the cloud's side: it stores orders, gives them to
// agents, and makes sure that each of them ends. Any number of gateways, each with one Dispatcher,
// share a store and nothing else.
//
//	Submit ─► record ─► queue, a session has credit ─► record: delivered ─► Order ─► agent
//	                      ▲                                                          │
//	                      └── reaper, hello, refusal, recall: queued     record ◄── Result
//
// The truth is the execution's record (package record: states and rules; package ledger: bucket and
// image). Everything else is derived from it and may be lost: the queue (package queue), credits and
// sessions ([Session]), and which gateway has which server (package presence).
// Parameters too large for a record are in package params. Records change by compare-and-swap only,
// so a gateway that acts on an old record fails and reads the new one.
//
//	record     one execution and its state machine     queue      in which order queued ones are delivered
//	ledger     all executions, in memory and stored    presence   which gateway has which server
//	archive    those that have ended, many in one value
//	params     the secret parameters of an order       logs       what Apps print
//
// # What happens when the process dies
//
//	after …                       the disk says        then
//	the record                    queued               it is in the queue of each gateway that reads it
//	delivered, not sent           delivered            hello does not name it: queued again, attempt + 1
//	sent, not journaled           delivered            the same
//	sent; another journal's hello delivered            nobody knows: interrupted (two agents with one identity)
//	sent, journaled               delivered            hello names it: it goes on
//	accepted, running (a note)    delivered            the same
//	accepted with hold            accepted, hold       hello names it and ready follows; else queued again
//	granted, Start not sent       granted              ready comes again, Start is sent again
//	result received               as before            the agent repeats it
//	result stored, no ack         outcome, result      the agent repeats it, the record has it: acknowledged
//	a store set back in time      no record            the agent keeps the result and offers it again, for a week
//
// # What happens when the store fails
//
// Absence is not evidence: a record that cannot be read is an error (package store), the session
// ends with retry_later, and the agent sends everything again. Only a record that has a newer
// attempt or has ended makes an agent drop an order or a result (Fenced). Time in which this
// gateway could not have accepted a server does not count against the server (package presence):
// after an outage every server has the full lease to come back. While a cluster elects who takes writes,
// a hello waits (election.go). Before an order is taken from a
// server that stays away, the bucket itself is asked which gateway has the server.
//
// An order with sealed parameters (agent/secret/envelope) goes only to a server that opens all of
// them: its record has the ids of the keys, the gateway tells which of them a session has. While
// there is none the order waits in a lane of its own, and others go on. An operator's
// signature (agent/link/signed) is kept in the record and goes with every attempt; Draft returns what
// is to be signed, and the agent verifies it.
//
// Nothing is started twice. An Order is sent only by the gateway that moved the record from queued
// to delivered. A record returns to queued only with a higher attempt, and only where the agent's
// journal (hello, refused, recalled) says that the order is not there, where the agent returns an
// order that it certainly did not start (Result.Returned), where the order is held and was not
// granted, or where it is retryable. A gateway whose session ended before Send knows that nothing
// was sent, and queues the order again itself.
//
// An order that was delivered to an old session while hello was compared at a new one is noticed by
// its epoch (Session.unseen). A server that does not answer within AcceptIn is made to reconnect:
// its journal decides, not a guess.
//
// The order of a service (package services) has no timeout and waits for as long as it takes; it uses a
// credit for services, which a session has beside that for other orders, and has lanes of its own in the
// queue. It ends by its App's end, by a cancel, or when its server stays away and another one has room for
// it: until then the App, which most likely runs on, is left alone.
//
// # What it costs
//
// Durable writes, per order that takes less than half a second to run. Each is a round trip to the
// store and an fsync:
//
//	                        idle agent here     through the queue     what for
//	Submit                  1 (delivered)       1 (queued)            201 Created: the order is not lost
//	delivered               –                   1                     no other server is given it
//	accepted, running       –                   –                     (1 if it lasts longer: both in one)
//	hold + grant            2                   2                     (only while the App is not on the host)
//	result                  1                   1                     result_ack: the agent may forget it
//	sum                     2                   3
//
// Of the processor time, a quarter to a third is NATS (nearly half of that the fsync), a quarter the
// operator's two HTTPS requests, the rest the session's frames and goroutines that wake each other;
// across all of it, a fifth is JSON and a seventh TLS (test/bench cloud).
//
// An order is given out when a session has a credit, or comes: there is no poll and no batch that it
// waits for. Nothing is scanned for it that grows with what is queued or has ended: its App is found
// in memory (package catalog), the queue is a heap, and the store is asked by key. The Environment's
// sessions are, for the one with most credit.
//
// Log pieces cost one round trip each and no fsync.
package dispatch
