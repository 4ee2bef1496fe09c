// Package proxy opens TCP connections through the customer's proxy, for the broker (port 62000) and
// the API (port 443) alike.
//
//	proxyHost             what happens
//	(empty)               direct connection
//	name, http://name     TCP to the proxy, CONNECT target
//	https://name          TCP and TLS to the proxy, CONNECT target
//	socks5://name         SOCKS 5; the proxy resolves the target's name
//
// Without a proxy, and on the way to it, all addresses of a name are tried (direct.go).
//
// The target's name is never resolved on this host when a proxy is used: behind such a firewall the
// local resolver usually cannot.
//
// # Authentication
//
// The first request of a Dialer carries no credentials; the proxy's 407 says which schemes it
// offers, and the strongest one that we have an authenticator for is used. What worked is
// remembered, so that later connections need no extra round trip.
//
//	dial ─► CONNECT ─► 2xx ─► tunnel
//	  ▲        │ 407, offers
//	  │        ▼
//	  │   authenticator.answer(challenge) ── none left ─► Error "proxy.auth"
//	  └────────┘ on the same connection where the proxy keeps it open
//
// Many proxies close the connection after their 407, and not all announce it. If a connection that
// carried a 407 turns out to be closed, the answer goes over a new one. A handshake that is bound
// to its connection (NTLM, Negotiate) starts again there, once.
//
// # Use
//
// A Dialer fits everywhere a DialContext is wanted:
//
//	&http.Transport{DialContext: d.DialContext, …}            // Proxy stays nil
//	&websocket.Dialer{NetDialContext: d.DialContext, …}       // Proxy stays nil
//
// Bytes that the target sends right after the proxy's answer are kept. Answers are bounded in size
// and time. Errors are of type *[Error] where a proxy is used; neither they nor [Config.String]
// contain credentials.
package proxy
