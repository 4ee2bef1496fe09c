//go:build !linux

package certs

// systemFiles: macOS keeps a copy of its roots for OpenSSL; Windows none.
var systemFiles = []string{"/etc/ssl/cert.pem"}
