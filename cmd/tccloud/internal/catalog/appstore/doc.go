// Package appstore is the storage behind the endpoints that running Apps call (agent/app/api):
// which attempt a token belongs to, Playbook variables, secure parameters, runtime variables, and
// logs that Apps send.
//
//	token ──signature, expiry──► order.attempt ──still current, not ended──► session
//
// A token is not valid any more once its execution has ended, however long it was issued for.
// Playbook variables are in a key-value bucket, large ones in an object store with a pointer in the
// bucket; both are removed by age. An execution may read the runtime variables that its parameters
// mention, and no others.
package appstore
