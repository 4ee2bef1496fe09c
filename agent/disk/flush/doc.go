// Package flush makes many new files durable at about the price of one: it has the kernel write
// everything of the file system at once, one journal commit instead of one for each file, and then
// asks for each file, because not every kernel reports errors of the whole.
package flush
