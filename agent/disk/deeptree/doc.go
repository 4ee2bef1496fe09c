// Package deeptree removes what an App has left, however deep. os.RemoveAll holds a
// descriptor for each level: 70 000 levels, made in a second, take all of the agent's and
// are never removed.
package deeptree
