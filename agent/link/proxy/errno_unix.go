//go:build unix

package proxy

import "syscall"

// What the operating system says when a connection cannot be made.
var (
	refused     = []error{syscall.ECONNREFUSED}
	unreachable = []error{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN, syscall.EADDRNOTAVAIL}
	timedOut    = []error{syscall.ETIMEDOUT}
)
