// Package plainfile opens files that must be plain: a regular file, not a link that could lead
// elsewhere, not a pipe that waits for a writer, not a device that does something when it is
// opened. Whoever reads in a folder that somebody else may write opens files this way.
package plainfile
