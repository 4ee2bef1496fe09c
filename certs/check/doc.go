// Package check says which CA vouches for a server, or exactly what is missing for that.
//
// It makes one TLS handshake with the usual verification; the error of a failed one carries the
// certificates that the server showed. It fetches nothing else, neither missing issuers nor
// revocation lists.
package check
