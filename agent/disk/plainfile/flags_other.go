//go:build !unix

package plainfile

const (
	flags  = 0
	noWait = 0
)
