// Package secret is the room of what must not be read by others.
//
//	master password ──► keychain ──► sealed settings ──► plain text, in memory only
//	      ▲
//	      └ masterkey: systemd credential, file, environment, or asked on a terminal
//
//	keychain     seals and opens texts under names with a key that a password protects
//	masterkey    where that password comes from, in which order
//	privatefile  whether only its owner can read a file of secrets; refuses it otherwise
package secret
