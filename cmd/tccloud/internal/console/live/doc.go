// Package live shows pages what changes, as it changes.
//
//	Kind ── each second, what of it is followed ──► tick ── compared with the last one ──► a message per topic
//	        while somebody looks                                                              │ the same bytes for all
//	                                       browser ◄── WebSocket, or a poll each 5 s ◄──┘
//
// A kind has rows by key; a row has texts by field. A topic is a kind ("servers") or one row of it
// ("servers/XID"). Each kind that somebody follows is loaded by itself, and of one whose single rows are
// followed only those are. Whoever follows a topic gets all of it first, and then what changed; nothing
// that was begun before it asked, as its page was made then. A browser that is too slow for every change
// gets all of it again, as it is then: nothing is queued for it.
package live
