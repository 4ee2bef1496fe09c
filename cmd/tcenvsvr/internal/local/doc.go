// Package local runs one App on this host as an order would run it, without a cloud: with the same
// checks of its inputs, the same unpacking, launch recipe, sandbox and shim, and the same outcome.
// An API on loopback stands in for that of the Dedicated Cloud.
//
//	APP.tcx ─► catalog (its own) ─► launch ─► sudo or socket ─► shim ─► App ─► outcome
//	                                                                    │
//	                            api on 127.0.0.1    ◄───────────────────┘ key-value store, token, logs
//
//	sandbox.go   as which user it runs; without a sandbox only when asked
//	place.go     where: in the home's exchange if that is ours, else in a temporary folder
//	keep.go      which files of it stay
//
// A run is a guest of the home: the agent's catalog and orders do not see it. If its process is
// killed, its App ends (job.Launch.Tied), and the next run or the agent removes its folders
// (janitor.Guest).
package local
