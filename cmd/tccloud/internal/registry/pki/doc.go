// Package pki is the cloud's own certificate authority: it makes the CA and the server certificate
// on first start, renews the latter, and issues the client certificates that go into bundles.
//
//	DATA/pki/ca.pem      CA certificate and key     10 years, 0600, made once
//	DATA/pki/ca.crt      the certificate alone      0644, for clients
//	DATA/pki/server.pem  server certificate and key 397 days, 0600, remade at two thirds of its life
//
// A clock that is wrong for a while does no lasting harm: the CA is valid from before any time at
// which this program can run, a server certificate that begins in the future is made again, and one
// that seems to have expired is made again when the clock is known to be right (agent/host/clock),
// or at a start.
//
// All keys are ECDSA P-256. A certificate and its key share one file, which is replaced atomically,
// so that they belong together after a power cut, too. Gateways of one cloud share ca.pem, see
// package identity.
package pki
