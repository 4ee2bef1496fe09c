// Package control is the agent's local socket: what `tcenvsvr status` and
// its kin talk to. It is HTTP over a unix socket that only the agent's user and
// root can open; there is no other door into a running agent.
//
//	GET  /status   the agent's status as JSON
//	POST /drain    take no new orders        POST /resume   take orders again
package control
