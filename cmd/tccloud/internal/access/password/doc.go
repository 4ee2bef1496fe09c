// Package password keeps passwords as hashes that cost time and memory to guess.
//
//	$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH      argon2id, RFC 9106
//	$pbkdf2-sha256$i=600000$SALT$HASH             where the program runs in FIPS 140-3 mode
//
// A hash says what its check costs. One with more than this package would ask for is refused before
// anything is computed, and only a few are computed at a time: neither a record in the store nor many
// sign-ins at once use up the host.
//
// argon2id is not approved by FIPS 140-3. In that mode (GODEBUG=fips140=on) new passwords are kept
// by PBKDF2, and one that was kept by argon2id is refused: its user needs a one-time link.
package password
