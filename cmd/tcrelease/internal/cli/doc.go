// Package cli is the command line of tcrelease. A command's path is its words: package, repo, sign
// and verify are files here, and the groups are folders.
//
//	key         make a signing key, show its public half
//	updaterepo  keep the repository of self-update ("update-repo")
//
// Each file has a constructor of the command and the functions that do its work.
package cli
