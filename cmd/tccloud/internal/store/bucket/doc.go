// Package bucket reads and writes JetStream the way the cloud needs it: NATS's own client says "not
// found" of an I/O error, loses writes that a busy server drops, sends large contents faster than a
// disk takes them, and waits for ever for the end of a list whose last object goes.
//
//	Values     a bucket of small values by key (jetstream.KeyValue)
//	Objects    a bucket of contents of any size, written and read one chunk at a time
//	Publisher  a jetstream.JetStream whose publishing is retried
//	Follow     every entry of a bucket, and then every change
//
// Each write is retried for as long as the server answers "too many requests", which means that
// nothing was stored. Each write first asks admit, which keeps it away from the end of the disk.
//
// "Not found" is returned only where the stream's index agrees; otherwise it is [ErrUnreadable],
// which is never to be taken for "not there".
package bucket
