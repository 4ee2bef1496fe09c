// Package keychain seals the secrets of the settings file with a master password.
//
//	master password ─PBKDF2-HMAC-SHA-512─► key ─AES-256-GCM─► wraps ─► data key (random, 256 bit)
//	                  salt, iterations                                    │
//	setting's name ───additional data───────────────────────AES-256-GCM──►┴─► ENC[…]
//
// The file keychain.json holds salt, iterations and the wrapped data key: nothing in it is a secret
// without the password. Sealed values stand in settings.yaml. Each is bound to the name of its
// setting, so that a value cannot be moved to another setting.
//
// The password is needed only to open the data key. To change it wraps the same data key again and
// replaces the file by one rename: before that the old password opens everything, after it the new
// one. The package uses the standard library's FIPS 140-3 module only and works under
// GODEBUG=fips140=only.
//
// A lost password cannot be recovered: the sealed values are gone, and the server must be enrolled
// again.
package keychain
