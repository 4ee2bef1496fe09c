// Package key is "tcrelease key": it makes a signing key (new.go) and prints its public half
// (public.go).
//
// [Flags] says where a private key and its passphrase are; the other commands that sign use it,
// too.
package key
