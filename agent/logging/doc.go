// Package logging makes the agent's logger. Where records go depends on what stderr is connected
// to:
//
//	Journald   stderr, text without time, which the journal adds, and with its priorities
//	Terminal   stderr, text with time; also the file where a folder is given
//	Stderr     stderr, text with time: a container, a supervisor such as runit, "2>log"
//	File       folder/tcenvsvr.log, rotated at 10 MB, 9 old ones kept compressed: where
//	           stderr is thrown away, or grows without end, as with most other services
//
// A log must never stop the work that it describes. When the file cannot be written (disk full,
// folder gone), a line on stderr says so once, and records are dropped and counted; the first
// record that can be written again is preceded by the count. For a stderr whose reader has gone or
// does not read, records wait in a bounded queue and are dropped and counted beyond it. The level
// can be changed while the agent runs.
//
// Beside it lie logging/audit, the record of acts that matter to security, logging/textfile, the figures
// that Prometheus reads from a file, and logging/plain, which makes foreign text harmless before it is
// logged or shown.
package logging
