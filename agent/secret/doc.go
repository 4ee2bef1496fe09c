// Package secret is the room of secrets: texts and files that only their owner may read.
//
//	master password ──► keychain ──► sealed settings ──► plain text, in memory only
//	      ▲
//	      └ masterkey: systemd credential, file, environment, or asked on a terminal
//
//	keychain     seals and opens texts under names with a key that a password protects
//	masterkey    where that password comes from, in which order
//	privatefile  reads a file of secrets, and refuses one that others could have read
//	envelope     parameters that only the servers which run the order can read, not the cloud
package secret
