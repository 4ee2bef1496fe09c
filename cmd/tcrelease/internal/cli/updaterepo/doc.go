// Package updaterepo is "tcrelease update-repo": it keeps the signed repository that self-update
// trusts. One file is one command; signers.go has the keys that most of them sign with.
package updaterepo
