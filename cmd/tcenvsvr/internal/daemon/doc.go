// Package daemon is the composition root of the Environment Server: it
// turns settings into parts, parts into an agent, and runs it.
//
//	settings ─► log, trust, proxy ─► link ─┐
//	            journal, catalog, shims ───┼─► agent ─► Run
//	            API client, host facts ────┘
//
// Nothing else knows all parts, and nothing below it reads settings, flags or the environment.
package daemon
