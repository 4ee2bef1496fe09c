// Package ledger keeps all executions: the bucket "executions", one key per order, is the truth; an
// image of it in memory answers every question.
//
//	Create, Update ──CAS──► bucket ──watch──► image of every gateway
//	      │                                        ▲
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
// In memory are all executions that have not ended and the newest ones that have; older ones are
// read from the bucket by key.
package ledger
