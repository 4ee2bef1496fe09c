// Package doctor examines a host and its Environment Server ("tcenvsvr doctor"): a table of checks,
// each with what it found, why that matters, and what to do about it.
//
//	hostTable ─► CheckHost, as root where root asks ──┐
//	                                                  ├─► []Finding ─► text or JSON
//	table ─► Run, four at a time, as the home's owner ┘
//
//	ok      as it should be
//	warn    works, and an administrator should know
//	fail    orders fail, or will; exit code 1
//	skip    cannot be checked from here, and why
//
// table.go names every check. Each file has the checks of one subject: agent, settings,
// metrics, host, runtimes, trust, sandbox, setup, network, broker, api, tls, clock. What several checks need is
// loaded once (target.go, load.go).
//
// The doctor works before and after enrollment, with and without a running agent, as root and as
// the agent's user. It disturbs nothing: its connections open no session. Every check is bounded in
// time, and uses the code that the agent uses, so that it finds the problems that the agent would
// have.
package doctor
