// Package pgp makes and uses the key that signs packages and repositories.
//
// The key is one RSA-4096 primary key that signs by itself, without subkeys and expiry, with
// SHA-512 everywhere. Some host requires each of these: EL 9 cannot verify Ed25519 and refuses keys
// whose own signature uses SHA-1; rpm before 4.18 rejects a signature that marks more than its time
// as critical; with an expired key yesterday's package could not be installed. The tests examine
// the packets.
//
// Signatures are deterministic (RSA by PKCS #1 v1.5, no salt, the commit's time), so that a release
// can be made twice and compared.
package pgp
