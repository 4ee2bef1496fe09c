// Package access knows who may do what in the cloud: users with a role, API tokens, and one-time
// links by which a user signs in who has no password yet, or forgot it.
//
//	name + password ──┐                      ┌─► Principal in the request's context ─► package api
//	one-time link   ──┼─► Users: memory ─────┤     name, role, Environments, how
//	single sign-on  ──┤   ▲ watch            └─► package audit: who, from where, with which outcome
//	API token       ──┘   bucket "access"
//
// Every gateway has all users and tokens in memory and follows the bucket, so that a request costs no
// round trip, and a user who was removed at one gateway is gone at the others within a second. While
// the store does not answer, what is known stays valid, and nothing can be changed.
//
//	users        all users in one record: of two who remove the last two administrators at the same
//	             time, one is refused
//	tok.ID       an API token: the digest of its secret, role, Environments, expiry
//	lnk.DIGEST   a one-time link
//
// No secret can be made from what is stored: passwords are hashes (package password), tokens and
// links have 256 random bits and are kept as SHA-256. Names are of ASCII letters, of which none is
// upper case, so that no two look alike.
//
// An unknown user costs as much time as a wrong password. Tries are limited for each user and for each
// address (package limit), in the memory of each gateway.
package access
