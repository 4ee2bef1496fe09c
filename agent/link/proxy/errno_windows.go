package proxy

import "golang.org/x/sys/windows"

// What Winsock says when a connection cannot be made.
var (
	refused     = []error{windows.WSAECONNREFUSED}
	unreachable = []error{windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAEHOSTDOWN, windows.WSAENETDOWN, windows.WSAEADDRNOTAVAIL}
	timedOut    = []error{windows.WSAETIMEDOUT}
)
