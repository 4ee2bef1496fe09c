// Package session keeps the console's sessions in the cloud's store, so that a user who signed in at
// one gateway is signed in at all of them, and stays so when a gateway restarts. The store has a
// digest of each session's token, never the token.
package session
