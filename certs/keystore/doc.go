// Package keystore reads and writes the trust stores of Java: JKS, and
// PKCS#12 in the one form that a JVM opens without being told a password.
//
//	                              no trustStorePassword   changeit
//	JKS                           all CAs                 all CAs
//	PKCS#12 without a password    all CAs                 all CAs
//	PKCS#12 of any other kind     none, silently          all CAs, or fails
//
// An alias is the fingerprint, because by subject the second of two CAs of
// one name is lost. The same certificates give the same bytes. SHA-1, which guards
// JKS against accidents and protects nothing, is allowed in FIPS mode for that reason.
package keystore
