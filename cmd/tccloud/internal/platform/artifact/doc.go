// Package artifact keeps what an App hands to the platform during an execution: the batches of
// indicators and groups that it uploads, and its notifications. The cloud has no intelligence of its
// own to put them into; operators list them, download them and post them on.
//
//	Create ─► Created ── Spool ─► Complete: content in the object store, then the record ─► Completed
//
// A batch is Completed only when all of its content is durable. One that was cut off stays Created,
// and its App uploads it again. The record has the counts and the first reasons of what was rejected;
// the content is kept as the App sent it, compressed.
//
// An attempt may have MaxArtifacts of them, with MaxContent bytes of content in all.
package artifact
