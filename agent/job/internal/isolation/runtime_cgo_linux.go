//go:build cgo

package isolation

// spareRuntime is nothing in a program with C in it: the kernel writes into what the C library has mapped, in
// each process, and ends one that does not have it.
func spareRuntime() {}
