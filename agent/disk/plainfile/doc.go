// Package plainfile opens files that must be plain: a regular file, not a link that could lead
// elsewhere, not a pipe that waits for a writer, not a device that does something when it is
// opened. Code that reads in a folder that another user may write opens files this way.
package plainfile
