// Package fault gives the failures of a connection to the Dedicated Cloud
// names: a step, a code that is an API (shown by `tcenvsvr status`, in the log
// and in tests), the words of whoever refused, and a hint what to try.
//
//	dns ─► tcp ─► tls ─► (websocket) ─► hello ─► session
//	  └── proxy ──┘                       │         └ session.*  ended after the welcome
//	                                      └ hello.*  refused before it
//
// All codes and hints are in one table, table.go. Dialing, Handshake, Upgrading,
// Refused and Reading name the errors of each step;
// the first two serve the HTTPS client of the API as well as link.
package fault
