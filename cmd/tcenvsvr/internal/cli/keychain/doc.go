// Package keychain is "tcenvsvr keychain": the master password and the secrets that it seals. One
// file is one command.
//
// Enrolling makes a keychain, too, with the same functions: create.go makes a keychain and seals
// the settings with it, both or neither; password.go gets the password of a new one; sealed.go
// names what would be lost with it.
package keychain
