package broker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strconv"
)

// peersOf are the other ends of the connections to a port of this host's loopback, by their address, as the kernel
// lists them; nil if it does not.
func peersOf(port int) map[string]peer {
	peers, loopback := map[string]peer{}, netip.AddrFrom4([4]byte{127, 0, 0, 1})
	known := false
	for path, at := range map[string][]byte{
		"/proc/self/net/tcp":  loopback.AsSlice(),
		"/proc/self/net/tcp6": netip.AddrFrom16(loopback.As16()).AsSlice(), // those of sockets that know both, such as Java's
	} {
		if listPeers(path, at, port, peers) {
			known = true
		}
	}
	if !known {
		return nil
	}
	return peers
}

func listPeers(path string, ip []byte, port int, peers map[string]peer) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	ours := fmt.Appendf(nil, "%s:%04X", inKernel(ip), port)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), ours) { // there may be very many
			continue
		}
		// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
		w := bytes.Fields(lines.Bytes())
		if len(w) < 10 || !bytes.Equal(w[2], ours) {
			continue
		}
		address, ok := listed(w[1])
		uid, err := strconv.Atoi(string(w[7]))
		socket, err2 := strconv.ParseUint(string(w[9]), 10, 64)
		if ok && err == nil && err2 == nil {
			peers[address.String()] = peer{uid, socket}
		}
	}
	return lines.Err() == nil
}

// inKernel is an address as the kernel lists it: numbers of this machine.
func inKernel(ip []byte) (text string) {
	for ; len(ip) > 0; ip = ip[4:] {
		text += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(ip))
	}
	return text
}

// listed reads an address with its port in that form.
func listed(text []byte) (netip.AddrPort, bool) {
	host, port, _ := bytes.Cut(text, []byte(":"))
	ip := make([]byte, hex.DecodedLen(len(host)))
	_, err := hex.Decode(ip, host)
	if err != nil || len(ip)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(ip); i += 4 {
		binary.NativeEndian.PutUint32(ip[i:], binary.BigEndian.Uint32(ip[i:]))
	}
	address, ok := netip.AddrFromSlice(ip)
	p, err := strconv.ParseUint(string(port), 16, 16)
	return netip.AddrPortFrom(address.Unmap(), uint16(p)), ok && err == nil
}
