// Package archive keeps executions that have ended, many of them in one value of the store, so that
// neither NATS nor a gateway has to hold something for each of a million.
//
//	ledger: one key for each execution ── ended ten minutes ago, by lease ──► archive
//
//	executions_ended    segments: up to a thousand executions, in the order of their places
//	                    (record.Place: when created, and id), compressed
//	executions_index    for each segment what it spans and holds: what happened in each hour, by
//	                    Environment, states, and eight bytes of each id; all gateways have it in
//	                    memory. So counts and history need no scan and no writes of their own
//
// A segment's key is the place where it begins; it ends where the next one begins. So an execution
// that ran for a month and ends today goes into the segment of its time, and the newest ones go to
// the end. A segment that gets too large is divided: first the upper parts are written, then the
// lower one, and a reader leaves what a later segment has to that one.
//
// Only the holder of the lease writes. Two that believe to hold it do no harm: each write is made over
// the revision that was read. A segment is written before its entry in the index, and both before
// the executions' own keys are removed, so that what is accepted is somewhere at any moment, and at
// times in two places: readers ask the ledger first.
//
// # What it costs
//
// Measured by TestLarge of package ledger, on two cores that others used as well, embedded store:
//
//	                        1,000,000 ended, 50,000 queued     20,000 ended, 1,000 queued
//	on the disk             72 MB                              1 MB
//	start                   5.6 s, half of it NATS             0.1 s
//	heap after it           97 MB, of which the queued 88      1 MB
//	first page of 100       4 ms                               4 ms
//	… by state or text      125–160 ms                         30 ms
//	one by its id           3 ms                               3 ms
//
// Adding one takes 30 µs of processor time, and a write for each segment that is touched in a minute.
// A page reads segments from its cursor on, those only that may have something of what is asked for,
// and at most pageSegments of them: whoever searches a million for a text asks 35 times.
package archive
