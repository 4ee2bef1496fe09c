// Package daemon is the composition root of the Environment Server: it turns settings into parts,
// parts into an agent, and runs it.
//
//	keychain ─► settings ─► log, trust, proxy ─► link ─┐
//	                        journal, catalog, shims ───┼─► agent ─► Run
//	                        API client, host facts ────┘
//
// Beside the agent run the parts that look after it: renewal of the certificate, trust that follows
// its sources, self-update, reloads, the watchdog, and the control socket.
//
// Nothing else knows all parts, and nothing below it reads settings, flags or the environment. Only
// the command "tcenvsvr run" imports it (a test says so): what other commands share with the
// service is in package parts, and what they send to it in package controlapi.
package daemon
