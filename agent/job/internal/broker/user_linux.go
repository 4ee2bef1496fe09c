package broker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
)

// userOf is whose the other end of a connection of this host is, by the kernel's list.
func userOf(c net.Conn) (uid int, known bool) {
	peer, ok := c.RemoteAddr().(*net.TCPAddr)
	own, ok2 := c.LocalAddr().(*net.TCPAddr)
	if !ok || !ok2 {
		return 0, false
	}
	f, err := os.Open("/proc/self/net/tcp")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	local, remote := inKernel(peer), inKernel(own)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// sl local_address rem_address st tx:rx tr:when retrnsmt uid …
		if w := bytes.Fields(lines.Bytes()); len(w) > 7 && string(w[1]) == local && string(w[2]) == remote {
			uid, err := strconv.Atoi(string(w[7]))
			return uid, err == nil
		}
	}
	return 0, false
}

// inKernel is an address as the kernel lists it: that of IPv4 as a number of this machine.
func inKernel(a *net.TCPAddr) string {
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a.IP.To4()), a.Port)
}
