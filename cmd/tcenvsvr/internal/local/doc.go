// Package local runs one App on this host as an order would run it, without
// a cloud: the same unpacking, launch recipe, shim and collecting of the outcome as in
// package agent, with an API on loopback in place of the Dedicated Cloud's.
//
//	APP.tcx ─► catalog (temporary) ─► launch ─► shim ─► App ─► outcome
//	                                                │
//	                        appapi on 127.0.0.1 ◄───┘ key-value store, token, logs
package local
