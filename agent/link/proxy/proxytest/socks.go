package proxytest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strconv"
	"testing"
)

// SOCKS5 starts a SOCKS 5 proxy (RFC 1928, RFC 1929), CONNECT only.
func SOCKS5(tb testing.TB, o Options) *Proxy {
	tb.Helper()
	return start(tb, "socks5", o, (*Proxy).serveSOCKS)
}

const (
	socksNone     = 0x00
	socksPassword = 0x02
	socksRefuse   = 0xff
)

func (p *Proxy) serveSOCKS(c net.Conn) {
	br := bufio.NewReader(c)
	methods, err := readSized(br, 5)
	if err != nil {
		return
	}
	p.asked()
	method := byte(socksNone)
	if p.opts.Username != "" {
		method = socksPassword
	}
	if !slices.Contains(methods, method) {
		_, _ = c.Write([]byte{5, socksRefuse})
		return
	}
	if _, err := c.Write([]byte{5, method}); err != nil {
		return
	}
	if method == socksPassword && !p.socksLogin(c, br) {
		return
	}
	target, err := readTarget(br)
	if err != nil {
		return
	}
	to, err := p.dial(target)
	if err != nil {
		_, _ = c.Write([]byte{5, 4, 0, 1, 0, 0, 0, 0, 0, 0}) // host unreachable
		return
	}
	if _, err := c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		_ = to.Close()
		return
	}
	p.pipe(c, br, to)
}

func (p *Proxy) socksLogin(c net.Conn, br *bufio.Reader) bool {
	user, err := readSized(br, 1)
	if err != nil {
		return false
	}
	n, err := br.ReadByte()
	if err != nil {
		return false
	}
	password := make([]byte, n)
	if _, err := io.ReadFull(br, password); err != nil {
		return false
	}
	if string(user) != p.opts.Username || string(password) != p.opts.Password {
		_, _ = c.Write([]byte{1, 1})
		return false
	}
	_, err = c.Write([]byte{1, 0})
	return err == nil
}

// readSized reads a version byte, a length byte and as many bytes.
func readSized(br *bufio.Reader, version byte) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return nil, err
	}
	if head[0] != version {
		return nil, net.UnknownNetworkError("socks version")
	}
	b := make([]byte, head[1])
	_, err := io.ReadFull(br, b)
	return b, err
}

func readTarget(br *bufio.Reader) (string, error) {
	var head [4]byte
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return "", err
	}
	var size int
	switch head[3] {
	case 1:
		size = net.IPv4len
	case 4:
		size = net.IPv6len
	default:
		n, err := br.ReadByte()
		if err != nil {
			return "", err
		}
		size = int(n)
	}
	host, port := make([]byte, size), make([]byte, 2)
	if _, err := io.ReadFull(br, host); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(br, port); err != nil {
		return "", err
	}
	name := string(host)
	if head[3] == 1 || head[3] == 4 {
		name = net.IP(host).String()
	}
	return net.JoinHostPort(name, strconv.Itoa(int(binary.BigEndian.Uint16(port)))), nil
}
