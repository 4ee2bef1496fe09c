// Package deeptree removes the folders that an App has left, however deep they are. os.RemoveAll
// holds a file descriptor for each level: an App makes 70 000 levels in a second, which would use
// up the agent's descriptors, and would never be removed.
package deeptree
