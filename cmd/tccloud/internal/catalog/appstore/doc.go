// Package appstore is the storage behind the endpoints that running Apps
// call (agent/app/api): who a token speaks for, Playbook variables, secure
// parameters, runtime variables and shipped logs.
//
//	token ──signature, expiry──► order.attempt ──still current, not ended──► session
//
// A token is worth nothing once its execution has ended, however long it
// was issued for. Playbook variables live in a key-value bucket, large ones in the object store with
// a pointer in the bucket; both age out. An execution may read the runtime variables
// that its parameters mention, and no others.
package appstore
