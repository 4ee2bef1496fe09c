// Package inventory notices what an embedded server has lost. NATS that finds a block of messages
// cut off, emptied or gone starts without a word and does not know that they ever existed; the
// inventory, a file beside the store's folder, does.
//
//	every few seconds, and when the store closes ─► Write: how many messages each stream holds
//	at the start ─► Check: all there, and readable?
//	    no  ─► LossError: what is lost, in which files, what to do; nothing is touched
//	    no, and the operator accepts the loss ─► the readable rest is stored anew (rebuild)
//
// Whoever removes messages announces it with [Inventory.Removing] first, so that a crash in between
// is not taken for damage.
package inventory
