// Package certs gives jobs one set of trusted CAs: the host's public ones
// and the private ones of the enterprise and the Dedicated Cloud.
//
//	system roots (PEM) ─┐
//	private CAs ────────┴─► unique by SHA-256 ─► ca-bundle.pem   Python, curl, pip, git, node
//	                                           └► cacerts.p12     Java (PKCS#12 without password)
//
// The JDK's own store and certifi are never edited: jobs are told by
// environment and -D flags where the set is. Files are world-readable, because the
// sandbox user reads them, and replaced atomically, because jobs may be reading.
package certs
