// Package check says which CA vouches for a server, or exactly what is
// missing for that.
//
// It is one TLS handshake, verified as always: what a server showed that was not trusted comes
// with the error. Nothing else is fetched, neither missing issuers nor revocation lists.
package check
