// Package releases is the cloud's side of self-update: it serves the files of an update repository
// that the maintainers signed, and decides which server should run which release.
//
// The files are those of tcrelease update-repo, imported as bundles; every agent would notice if
// this cloud changed one. With the two online keys beside them (keys/snapshot.pem,
// keys/timestamp.pem) it also signs the timestamp again before it expires.
//
// Which release a server gets is decided by the first of these that is set:
//
//	pin of the server ─► pin of its Environment ─► rollout of its channel
//
// A rollout begins with canaries, goes on with a percentage, and ends with all servers. Which
// servers are the first 5 % depends on the release as well as on the server, so that they are not
// always the same. When more of them report that the release failed than the rollout allows, it
// halts by itself: no other server gets the release, and those that have it keep it.
//
//	canaries ──► n % ──► 100 %          halted ◄── failures > limit, or an operator
package releases
