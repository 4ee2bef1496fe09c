// Package apptoken makes and checks the tokens with which a running App calls the API (tc_token).
// Nothing is stored: a token has its claims in it, signed with HMAC-SHA-256 by a key in the data
// folder:
//
//	APP:<expiry, Unix seconds>:<attempt>:<order>:<base64url MAC>
//
// The order is the last part but one because old App frameworks use that part as the job's id.
// Whether the execution still runs, and a token may be renewed, is for the caller to check.
package apptoken
