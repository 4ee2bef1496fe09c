// Package doctor examines a host and its Environment Server: a table of checks,
// each with what was found, why it matters, and what to do.
//
//	hostTable ─► LookAtHost, as root where root asks ─┐
//	                                                  ├─► []Finding ─► text or JSON
//	table ─► Run, four at a time, as the home's owner ┘
//
//	ok      as it should be
//	warn    works, and an administrator should know
//	fail    orders fail, or will; exit code 1
//	skip    cannot be looked at from here, and why
//
// It works before and after enrollment, with and without a running agent, as root
// and as the agent's user, and disturbs nothing: connections open no session. What a check
// finds out itself, bounded in time, it does by the code that the agent uses; a doctor that looks another
// way finds other diseases.
package doctor
