// Package keystore reads and writes the trust stores of Java: JKS, and PKCS#12 in the one form that
// a JVM opens without a password.
//
//	                              no trustStorePassword   changeit
//	JKS                           all CAs                 all CAs
//	PKCS#12 without a password    all CAs                 all CAs
//	PKCS#12 of any other kind     none, silently          all CAs, or fails
//
// A JVM of Java 17 that opens a store of 161 CAs takes, in milliseconds of processor time beyond an
// empty one (with a class-data archive, so that loading classes does not count):
//
//	JKS                                      80
//	JKS with its password, which is checked 150
//	PKCS#12 without a password              115
//	PKCS#12 with a password (PBKDF2, HMAC)  260
//
// So jobs get JKS and no password. Half a millisecond for each CA is what Java takes to parse
// certificates, which no format saves.
//
// An alias is the fingerprint: with subjects as aliases, the second of two CAs with one name would
// be lost. The same certificates give the same bytes. JKS uses SHA-1 as a checksum against
// accidents; because it protects nothing, FIPS mode allows it.
package keystore
