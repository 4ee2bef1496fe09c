// Package pgp makes and uses the key that signs packages and repositories.
//
// The key is one RSA-4096 primary key that signs by itself: no subkeys, no
// expiry, SHA-512 everywhere. Each of these is what some host insists on.
// EL 9 cannot verify Ed25519 and refuses keys whose own signature is SHA-1;
// rpm before 4.18 calls a signature bad that marks more than its time as
// critical; an expired key cannot install yesterday's package. The tests look
// at the packets.
//
// Signatures are deterministic: RSA by PKCS #1 v1.5, no salt, and the time that
// the caller gives (the commit's), so that a release can be made twice and compared.
package pgp
