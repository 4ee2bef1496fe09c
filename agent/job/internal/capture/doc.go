// Package capture keeps what an App prints, within bounds:
//
//	file:  first N bytes  │ marker line │ last 64 KiB
//	       written at once, for live readers  │ added at the end, if anything was left out
//
// The pipe is read whatever happens to the file, so that an App that prints without end, or on a
// full disk, neither blocks nor fills the disk.
package capture
