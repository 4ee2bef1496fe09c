// Package keystore reads and writes the trust stores of Java: JKS, and PKCS#12 in the one form that
// a JVM opens without a password.
//
//	                              no trustStorePassword   changeit
//	JKS                           all CAs                 all CAs
//	PKCS#12 without a password    all CAs                 all CAs
//	PKCS#12 of any other kind     none, silently          all CAs, or fails
//
// An alias is the fingerprint: with subjects as aliases, the second of two CAs with one name would
// be lost. The same certificates give the same bytes. JKS uses SHA-1 as a checksum against
// accidents; because it protects nothing, FIPS mode allows it.
package keystore
