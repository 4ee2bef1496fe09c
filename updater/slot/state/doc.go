// Package state is what the root side of self-update remembers: state.json,
// and the moves from one state to the next. The moves are plain functions on
// a value: nothing here reads a clock, the host, or any file but state.json.
//
//	active      what is started; none is the package's program, the baseline
//	candidate   a new release that has to prove itself, and how often it was tried
//	previous    what was active before; started when the active one is damaged
//	bad         releases that failed here, by SHA-256: never installed again by themselves
//	hold, pin   what the administrator decided
//	launch      what select chose last, so that its end and its health find their owner
//
// A file that is torn, hostile, or of another format is ErrTorn, and the
// baseline runs: whatever is lost here can be fetched again, a wrong choice
// cannot be undone.
package state
