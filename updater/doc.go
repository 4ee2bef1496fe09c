// Package updater is the home of self-update: how an Environment Server
// becomes its next version by itself, and why no bad, hostile or interrupted
// update leaves a host without a working agent. Its parts are below it.
//
// Two sides share the work, and they trust each other as little as can be:
//
//	the agent    (network, no rights)  asks the cloud what it should be, downloads signed metadata
//	                                   and the program into its inbox, asks for the swap, restarts
//	the helper   (root, no network)    the package's own program: verifies all of it again, writes
//	                                   the slot that nothing runs from, and chooses what is started
//
// The package's program, the baseline, is never written, so that `rpm -V`
// stays silent and there is always something to go back to. Two slots, a and
// b, hold the active release and the one before or after it.
//
//	 the agent's side                        the helper's side (updater/slot)
//
//	idle ─► available ─► downloading          ┌──────────────── crash, fewer than 3 ◄─┐
//	             ▲            │               ▼                                       │
//	             │         staged ─ apply ─► applied ─ select ─► trying (n/3) ────────┤
//	             │        (verified)          (candidate)        = probation          │
//	             │                                                  │ healthy         │ 3 crashes, 1 hang,
//	             │                                                bless               │ not healthy in time
//	             │                                                  ▼                 ▼
//	             └──────────────────────────────────────────────── good        rolled_back (bad, by SHA-256)
//	                                                                           blocked (this host's policy)
//
// Going back needs nobody: every start is counted durably before it
// happens, by a program that the update did not touch.
package updater
