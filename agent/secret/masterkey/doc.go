// Package masterkey finds the master password of the keychain where nobody types it.
//
//	descriptor store   what the service manager kept for us over a restart (systemd, sealed memfd "masterkey")
//	credential         $CREDENTIALS_DIRECTORY/masterkey (systemd, LoadCredential= or LoadCredentialEncrypted=)
//	key file           setting masterKeyFile
//	data protection    masterkey.dpapi beside the keychain (Windows: only this machine can open it)
//	ask-password       systemd-ask-password, where the service may use it
//
// Unlock tries them in this order. A password that does not fit, as after a change that
// one of them missed, is no reason to stop: the next may be right. The password is never in an
// argument, the environment or a log, and Harden keeps memory from being dumped.
package masterkey
