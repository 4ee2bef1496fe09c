// Package apptoken makes and checks the tokens with which a running App
// calls the API (tc_token). Nothing is stored: a token carries what it
// is good for, signed with HMAC-SHA-256 under a key in the data folder:
//
//	APP:<expiry, Unix seconds>:<attempt>:<order>:<base64url MAC>
//
// The order stands last but one because old App frameworks take that
// part for the job's id. A token can be renewed as long as its execution lives,
// whoever holds it and however late; that is for the caller to know.
package apptoken
