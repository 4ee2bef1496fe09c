// Package signed is how an operator, and not the cloud, decides what runs behind the customer's
// firewall: the submitter of an order signs it, and the agent verifies that before it accepts the
// order.
//
//	operator                      cloud                        agent
//	order ── Sign ──► Signature ──► queue, any attempt ──► Verify ──► accepted
//	          ▲                                              │  ▲ keys of the customer's policy
//	          └ Ed25519 key, which the cloud never has       ▼
//	                                                       Replays.Start ──► the App runs
//	                                                         │
//	                                                       Replays.Ended ──► cannot run here again
//
// A cloud that is taken over can hold signed orders back. It can neither change one, nor send it to
// another Environment, nor start it after its not-after, nor have one server run it again.
//
// # What is signed
//
// Everything that decides what runs, with which inputs, for how long and whether it may run again;
// [Coverage] has a row with the reason for each field of a [wire.Order]. The signed bytes
// (README.md has them byte by byte, with a test vector) are a header, then each field in a fixed
// sequence with its length in front, so that two orders never have the same bytes. The parameters
// are there by their digest: those that are too large for a frame come later, and are checked by
// [Replays.Start]. A sealed parameter is signed as it travels, sealed.
//
// # Once
//
// The attempt is not signed: a retryable order that a lost host interrupted may go on elsewhere
// with the same signature. That an order does not run again after it ended is up to [Replays], the
// durable memory of the signed orders that were started here. What is missing in it proves nothing
// about the time before it began: orders signed earlier than that (a new disk, a copied home) are
// refused, and so are all orders while it cannot be read or written.
//
// # What it does not do
//
//   - Each server remembers for itself. Where an Environment has several servers, a cloud that is
//     taken over can have an order run once by each of them until its not-after: keep that short,
//     or seal a parameter to one server.
//   - What an App asks the cloud for while it runs (the key-value store that a Playbook's variables
//     name, the API, its token) is not in the order, and therefore not signed. Its parameters are:
//     an App of a signed order is not told to ask for them.
//   - What a service is told while it runs (the inputs of its triggers, requests) is not signed either.
//   - A retryable order goes on after an attempt that was interrupted, and the cloud can interrupt
//     one: sign as retryable only what may begin several times.
//   - A host whose whole disk is set back to a snapshot remembers what it remembered then.
//   - Cancel is not signed: somebody who controls the cloud can end what runs.
package signed
