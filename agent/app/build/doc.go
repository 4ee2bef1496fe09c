// Package build makes things of installed Apps that they start faster with, in jobs of the agent's
// own: bytecode of Python Apps (package bytecode), class-data archives of Java Apps (package
// archive).
//
//	a run shows what is missing ─► Queue ─► Config.Run: isolated job ─► collect what it left
//	                                 │        App's folder read-only        as hostile input
//	                                 └─ failed: not again for a day, told once
//
// Such a job deals with an App's files, which are hostile. It runs as Apps do, as the same user in
// the same isolation, with less of everything; it sees the one App that it is for; it ends with the
// agent; and what it leaves is looked at when nothing of it lives any more. No order waits for it.
package build
