// Package logging makes the agent's logger. Where records go depends on who
// is listening:
//
//	Journald   stderr, text without time, which the journal adds, and with its priorities
//	Terminal   stderr, text with time; also the file where a folder is given
//	Stderr     stderr, text with time: a container, a supervisor such as runit, "2>log"
//	File       folder/tcenvsvr.log, rotated at 10 MB, 9 old ones kept compressed: where
//	           stderr is thrown away, or grows without end, as with most other services
//
// A log must never stop what it tells about. When the file cannot be written
// (full disk, folder gone), that is said once on stderr, records are counted and
// dropped, and the first one that can be written again is preceded by how many
// were lost. So it is with a stderr whose reader is gone or stands still: records
// wait for it in a bounded queue. The level can be changed while running.
package logging
