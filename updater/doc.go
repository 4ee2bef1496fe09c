// Package updater is self-update: how an Environment Server becomes its next version by itself, and
// why no bad, hostile or interrupted update leaves a host without a working agent.
//
// Two sides share the work and trust each other as little as possible:
//
//	the agent    (network, no rights)  asks the cloud which release is wanted, downloads signed metadata
//	                                   and the program into its inbox, requests the change, restarts
//	the helper   (root, no network)    is the package's own program: it verifies all of that again, writes
//	                                   the slot that nothing runs from, and chooses what is started
//
// The border between them is a folder of code as well. Neither side imports the other:
//
//	updater     the agent's side: when to ask, download, request (this package)
//	download    fetches a program, whole or as a delta
//	handover    what one side writes and the other reads: inbox, requests, status, paths
//	slot        root's side: verify, install, select, probation, rollback
//
// Both sides, and the maintainers' tools, share what releases are:
//
//	release     a signed release: its name, version, size, digest
//	metadata    verifies the metadata of an update repository (TUF)
//	delta       the difference between two programs
//	repository  makes and signs an update repository
//
// The package's program, the baseline, is never written, so that "rpm -V" stays silent and there is
// always a program to go back to. Two slots, a and b, hold the active release and the one before or
// after it.
//
//	 the agent's side                        root's side (updater/slot)
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
// Going back needs nobody: every start is counted durably before it happens, by a program that the
// update did not touch.
package updater
