// Package proxytest has small real proxies for tests: HTTP CONNECT (also behind TLS), SOCKS 5, and
// a squid that demands a password. All listen on 127.0.0.1, count the tunnels they opened and note
// the targets as they were asked for, so that a test can prove that traffic went through them and
// that names arrived unresolved.
package proxytest
