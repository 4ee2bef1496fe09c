// Package ledger keeps all executions: the bucket "executions", one key per
// order, is the truth; an image of it in memory answers every question.
//
//	Create, Update ──CAS──► bucket ──watch──► image of every gateway
//	      │                                        ▲
//	      └── own writes are in the image before ──┘ the call returns
//
// Update is compare-and-swap on the key's revision, so that any number of
// gateways change one record without locks: whoever comes second is shown
// the newer record and decides again.
//
// Note records in memory what nothing depends on (accepted, preparing,
// running) and writes it half a second later if it is still true then: an
// order that is quick never pays for it. If the process dies first the agent's
// next hello says it again. When another gateway writes the
// record in between, the notes are applied anew to what it wrote.
//
// In memory are all executions that have not ended and the newest ones that
// have; older ones are read from the bucket by key.
package ledger
