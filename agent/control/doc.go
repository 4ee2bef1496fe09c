// Package control is the agent's local socket: what `tcenvsvr status` and
// its kin talk to. It is HTTP over a unix socket that only the agent's user and
// root can open; there is no other door into a running agent.
//
//	GET  /status      the agent's status as JSON
//	POST /drain       take no new orders        POST /resume   take orders again
//
// Whoever has more to answer adds a row to the table of handlers; its error reaches
// the caller with its text.
//
//	{"error":"unlocking the keychain: wrong master password"}
package control
