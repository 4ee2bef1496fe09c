// Package local runs one App on this host as an order would run it, without
// a cloud: the same checks of what it is given, the same unpacking, launch recipe, sandbox, shim and
// collecting of the outcome, with an API on loopback in place of the Dedicated Cloud's.
//
//	APP.tcx ─► catalog (its own) ─► launch ─► sudo or socket ─► shim ─► App ─► outcome
//	                                                                    │
//	                            appapi on 127.0.0.1 ◄───────────────────┘ key-value store, token, logs
//
//	sandbox.go   as whom it runs; without a sandbox only when asked
//	place.go     where: in the home's exchange if that is ours, else in a temporary folder
//	keep.go      what of it stays
//
// A run is a guest of the home: the agent's catalog and orders do not see it, and when its process is killed
// its App ends (job.Launch.Tied) and the next run or the agent removes its folders (janitor.Guest).
package local
