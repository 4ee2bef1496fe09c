//go:build !linux && !darwin

package control

import "net"

// trusted leaves it to the folder's access list, as Windows tells nothing of the other end.
func trusted(net.Conn) bool { return true }
