// Package control is the agent's local socket, to which "tcenvsvr status" and other commands talk.
// It is HTTP over a unix socket that only the agent's user and root can open; there is no other
// entrance to a running agent.
//
//	GET  /status      the agent's status as JSON
//	POST /drain       take no new orders        POST /resume   take orders again
//
// A part of the service with more to answer adds a row to the table of handlers. The error of a
// handler reaches the caller with its text:
//
//	{"error":"unlocking the keychain: wrong master password"}
package control
