// Package blob keeps Apps by content: in the object store, which all gateways share, and as
// verified files in a local folder, from which they are served with ranges and without the store.
//
//	Add(file)  ──► object store ──► cache/<sha256>
//	Open(sha)  ──► cache/<sha256>, fetched from the object store when it is not there
package blob
