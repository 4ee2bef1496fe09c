package proxytest

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// HTTP starts an HTTP proxy that knows CONNECT only.
func HTTP(tb testing.TB, o Options) *Proxy {
	tb.Helper()
	scheme := "http"
	if o.TLS != nil {
		scheme = "https"
	}
	return start(tb, scheme, o, (*Proxy).serveHTTP)
}

func (p *Proxy) serveHTTP(c net.Conn) {
	br := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		p.asked()
		switch {
		case req.Method != http.MethodConnect:
			say(c, "405 Method Not Allowed", nil, "CONNECT only\n")
		case !p.allowed(req):
			offer := p.opts.Offer
			if offer == nil {
				offer = []string{`Basic realm="test, proxy"`}
			}
			say(c, "407 Proxy Authentication Required", offer, "<html><head><title>Cache Access Denied</title></head></html>")
			if p.opts.After407 != nil && p.opts.After407(c, br) {
				return
			}
		default:
			target, err := p.dial(req.Host)
			if err != nil {
				say(c, "502 Bad Gateway", nil, "cannot reach the host\n")
				continue
			}
			if _, err := fmt.Fprint(c, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
				_ = target.Close()
				return
			}
			p.pipe(c, br, target)
			return
		}
	}
}

func (p *Proxy) allowed(req *http.Request) bool {
	if p.opts.Username == "" {
		return true
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.opts.Username+":"+p.opts.Password))
	return req.Header.Get("Proxy-Authorization") == want
}

func say(c net.Conn, status string, offer []string, body string) {
	head := "HTTP/1.1 " + status + "\r\n"
	for _, o := range offer {
		head += "Proxy-Authenticate: " + o + "\r\n"
	}
	_, _ = fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}
