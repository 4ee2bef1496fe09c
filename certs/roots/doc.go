// Package roots knows where this host keeps the CAs that it trusts, and which it distrusts.
//
//	System      RHEL, Debian, SUSE: a PEM file; macOS and Windows: their stores
//	Java        lib/security/cacerts of a JDK (JKS or PKCS#12)
//	Python      certifi's cacert.pem, where an interpreter has it
//	Distrusted  what the host's administrators or the JDK distrust: a
//	            root that one of the three still has must not return by the merge
//
// The package writes to none of them.
package roots
