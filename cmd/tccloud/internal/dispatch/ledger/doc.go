// Package ledger keeps all executions: the bucket "executions", one key per order, is the truth; an
// image of it in memory answers every question. Those that ended ten minutes ago go to the archive.
//
//	Create, Update ──CAS──► bucket ──watch──► image of every gateway
//	      │                   │                    ▲
//	      │                   └─── by lease ──► archive
//	      └── own writes are in the image before ──┘ the call returns
//
// Update is compare-and-swap on the key's revision, so that any number of gateways change one
// record without locks: the second one gets the newer record and decides again.
//
// Note records in memory a state on which nothing depends (accepted, preparing, running), and
// writes it half a second later if it is still true then: a quick order never pays for it. If the
// process dies first, the agent's next hello reports it again. If another gateway writes the record
// in between, the notes are applied again to what it wrote.
//
// In memory are all executions that have not ended, and those that ended and are not in the archive
// yet (package archive); each is in one of the two, and Get and List ask both. A record leaves memory
// when the index says that the archive has it. Its key leaves the bucket a minute later, by the
// gateway that has the archive's lease, after it has read that the archive holds it. A gateway that
// did not hear of an execution's end before its key was gone learns of it from the archive.
//
// A list is in the order of places (record.Place), which never change, so a cursor is a place.
package ledger
