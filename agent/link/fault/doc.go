// Package fault names the failures of a connection to the Dedicated Cloud. A [Fault] has a step, a
// code (an API: `tcenvsvr status`, logs and tests show it), the reason in the words of the side
// that refused, and a hint what to try. The failures of Apps have names of their own, in package
// agent/app/fault.
//
//	dns ─► tcp ─► tls ─► (websocket) ─► hello ─► session
//	  └── proxy ──┘                       │         └ session.*  ended after the welcome
//	                                      └ hello.*  refused before it
//
// All codes and hints are in one table, table.go. Dialing, Handshake, Upgrading, Refused and
// Reading name the errors of each step; the first two serve the HTTPS client of the API as well as
// link.
package fault
