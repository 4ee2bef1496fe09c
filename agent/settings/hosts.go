package settings

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// splitHostPort splits "host", "host:port", "::1", "[::1]" or "[::1]:port". The port is "" if there
// is none.
func splitHostPort(v string) (host, port string, err error) {
	if ip, err := netip.ParseAddr(v); err == nil {
		return ip.String(), "", nil
	}
	if inner, ok := strings.CutPrefix(v, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]"), "", nil
	}
	if !strings.Contains(v, ":") {
		return v, "", nil
	}
	host, port, err = net.SplitHostPort(v)
	if err == nil && port == "" {
		err = errors.New("port is missing")
	}
	return host, port, err
}

func validHost(v string) bool {
	if _, err := netip.ParseAddr(v); err == nil {
		return true
	}
	return len(v) <= 253 && hostPattern.MatchString(v)
}

func validPort(v string) bool {
	n, err := strconv.ParseUint(v, 10, 16)
	return err == nil && n > 0
}
