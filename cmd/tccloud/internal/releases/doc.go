// Package releases is the cloud's side of self-update: it serves the files of an
// update repository that others signed, and says which server should run which release.
//
// The files are those of tcrelease update-repo, imported as bundles; this cloud could not
// change one without every agent noticing. With the two online keys beside them
// (keys/snapshot.pem, keys/timestamp.pem) it also signs the timestamp anew before it expires.
//
// Which release a server gets is the first of these that says something:
//
//	pin of the server ─► pin of its Environment ─► rollout of its channel
//
// A rollout begins with canaries, goes on with a percentage, and ends with all. Which
// servers are the first 5 % depends on the release as well as on the server, so that it
// is not always the same ones. When more of them report that the release failed than the rollout
// allows, it halts by itself: nobody else gets it, those that have it stay.
//
//	canaries ──► n % ──► 100 %          halted ◄── failures > limit, or an operator
package releases
