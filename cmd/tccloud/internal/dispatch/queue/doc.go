// Package queue is the order in which the queued executions of an Environment are delivered: those
// of the highest priority first, and of these the one that came first.
//
// It is in memory only. That an execution is queued is in its record, which every gateway has
// (package ledger), and an order is delivered by changing that record: so two gateways may take the
// same one, and the second finds that the record has changed. A message in a work queue of NATS, as
// there was once, said nothing more, and cost a write, a pull and an acknowledgement for each order,
// each of them dearer the more orders were waiting.
//
//	Put ─► lane of its takers ─► Take ─► delivered: Remove
//	              ▲                 │
//	              └── Back, in time ┘
//
// Orders that any server may take wait in one lane; those for certain servers in a lane of each such
// set of servers. So they do not hold up others while no server comes for them, and are looked at
// once one does.
package queue
