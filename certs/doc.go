// Package certs gives the agent and its jobs one set of trusted CAs: the public ones of the host,
// its JDK and its Python, and the private ones of the enterprise and the Dedicated Cloud.
//
//	host's roots ──────┐
//	JDK's cacerts ─────┤ trust/<digest>/ca-bundle.pem   Python, curl, pip, git, node; ourselves
//	certifi ───────────┼─► Merge ─► Set ──────►               cacerts.jks     Java
//	.tcenvsvr/certs ───┤   unique, not          │             cacerts.p12     Java, where preferred
//	certs.d folders ───┤   expired, not         └─► trust/current ─► <digest>, switched in one step
//	the cloud's CA ────┘   distrusted
//
// The JDK's own store and certifi are never edited: environment variables and -D flags tell jobs
// where the set is.
//
// A [Set] never changes: its name is the digest of its content. So a running job keeps the set that
// it was started with, whatever is added or removed meanwhile ([Store.Lease]), and [Store.Prune]
// removes sets that no job needs. The [Store] checks its sources at every job's start, which costs
// some stat calls, and when the operating system reports a change.
//
// A JVM that cannot read its trust store silently uses the JDK's own. So the Store proves, as the
// sandbox user, that a set can be read before it gives the set to a job.
//
//	cert       what files hold, and whether a certificate can be trusted as a CA
//	keystore   Java's formats
//	roots      where hosts keep the CAs that they trust, and those that they distrust
//	check      which CA vouches for a server, or what is missing
//	hostwide   what the guide does by hand: the host's own store, a wrapper for Python
//	certstest  certificate authorities for tests
package certs
