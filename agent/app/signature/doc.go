// Package signature signs App packages and verifies who signed them, in the form of minisign
// (https://jedisct1.github.io/minisign/): what this package signs, "minisign -V" accepts, and the
// other way round.
//
//	publisher                                      Environment Server
//	SecretKey ─┐                                   keys of the policy ─┐
//	A.tcx ─────┴► Sign ─► A.tcx.minisig ─ catalog ─► Decode ─► Verify ─┴► the key that signed
//	                                                A.tcx ──────┘         and its trusted comment
//
// A signature is a text file of its own, beside the package:
//
//	untrusted comment: signature of TCPB_-_Ping 1.0.2
//	base64( "ED" ‖ key id, 8 bytes ‖ Ed25519 over BLAKE2b-512 of the package, 64 bytes )
//	trusted comment: timestamp:1795965636⇥app:TCPB_-_Ping⇥version:1.0.2⇥hashed
//	base64( Ed25519 over the 64 bytes above ‖ the trusted comment's text )
//
// "Ed" in the place of "ED" says that Ed25519 went over the package itself, as minisign before 0.10
// did and "minisign -S -l" still does. It is accepted up to [MaxLegacy] bytes, because the whole
// package must then be in memory; with "ED" a package of any size is read once, in constant memory.
//
// A public key is base64("Ed" ‖ key id ‖ 32 bytes), which always begins with RW. A secret key is a
// file of mode 0600:
//
//	untrusted comment: minisign encrypted secret key
//	base64( "Ed" ‖ KDF ‖ "B2" ‖ salt, 32 ‖ ops, 8 ‖ mem, 8 ‖ key id, 8 ‖ seed and public key, 64 ‖ checksum, 32 )
//
// The KDF is "Sc" (scrypt: the last three are XORed with a key stream from the password) or two
// zeros (not encrypted); numbers are little-endian. The checksum is BLAKE2b-256 over "Ed" ‖ key id
// ‖ key.
//
// Keys rotate by overlap: [Signature.Verify] takes every key that is good today and picks by key
// id. The id only finds a key, it proves nothing, so keys that share one are all tried.
//
// Decoders accept one spelling: no other line, no other field, canonical base64. The trusted
// comment names App, version and time to people and logs; that the package is the very one is
// proved by its bytes.
package signature
