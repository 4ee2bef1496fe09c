// Package upload receives the files that an execution publishes, in as
// many pieces as the network makes of them:
//
//	nothing ──piece──► partial ──last piece──► digest checked ──► complete, in the object store
//	   ▲                  │ next piece at the offset held             │ same again: complete
//	   └──────────────────┴── digest differs ─────────────────────────┘ other content: from 0
//
// Partial files are local to a gateway: an agent that comes back through another
// one starts that file again. A connection that froze in mid-piece does not
// hold up its successor: the newest Put of a file wins and ends the older one.
package upload
