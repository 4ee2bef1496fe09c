// Package state is what the root side of self-update remembers: state.json, and how one state
// follows from another (transitions.go). Transitions are plain functions on a value: they read no
// clock, nothing of the host, and no file but state.json.
//
//	active      the release that is started; none means the package's program, the baseline
//	candidate   a new release on probation, and how often it was started
//	previous    what was active before; it is started when the active one is damaged
//	bad         releases that failed here, by SHA-256; they are not installed again by themselves
//	hold, pin   what the administrator decided
//	launch      what was started last, so that its end and its health count for the right release
//
// A file that is damaged, hostile, or of another format is [ErrTorn], and the baseline runs: what
// is lost that way can be fetched again, while a wrong choice could not be undone.
package state
