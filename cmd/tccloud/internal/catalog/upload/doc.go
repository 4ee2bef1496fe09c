// Package upload receives the files that an execution publishes, in any number of pieces:
//
//	nothing ──piece──► partial ──last piece──► digest checked ──► complete, in the object store
//	   ▲                  │ next piece at the offset held             │ same again: complete
//	   └──────────────────┴── digest differs ─────────────────────────┘ other content: from 0
//
// Partial files are local to a gateway: an agent that comes back by another one starts that file
// again. A connection that is frozen does not block its successor: the newest Put of a file ends
// the older one.
package upload
