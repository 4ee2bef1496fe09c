// Package keychain seals the secrets of the settings file with a master
// password.
//
//	master password ─PBKDF2-HMAC-SHA-512─► key ─AES-256-GCM─► wraps ─► data key (random, 256 bit)
//	                  salt, iterations                                    │
//	setting's name ───additional data───────────────────────AES-256-GCM──►┴─► ENC[…]
//
// The file keychain.json holds salt, iterations and the wrapped data key: nothing in it is a secret
// without the password. Sealed values stand in settings.yaml and are bound to the
// name of their setting, so that one cannot be put in another's place.
//
// The password is only ever needed to open the data key. Changing it wraps the same data key anew
// and replaces the file by one rename: before it the old password opens everything, after it
// the new one. The package uses the standard library's FIPS 140-3 module only and works under GODEBUG=fips140=only.
//
// A lost password cannot be recovered: the sealed values are gone, and the server must be enrolled again.
package keychain
