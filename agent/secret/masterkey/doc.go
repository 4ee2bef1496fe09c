// Package masterkey finds the keychain's master password when nobody is there to type it.
//
//	descriptor store   what the service manager kept for us over a restart (systemd, sealed memfd "masterkey")
//	credential         $CREDENTIALS_DIRECTORY/masterkey (systemd, LoadCredential= or LoadCredentialEncrypted=)
//	key file           setting masterKeyFile
//	data protection    masterkey.dpapi beside the keychain (Windows: only this machine can open it)
//	ask-password       systemd-ask-password, where the service may use it
//
// Unlock tries them in this order. It goes on after a wrong password, because one source may have
// missed a change and the next may be right. The password is never in an argument, the environment
// or a log, and [Harden] keeps memory out of dumps.
package masterkey
