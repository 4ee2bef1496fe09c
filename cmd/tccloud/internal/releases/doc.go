// Package releases is the cloud's side of self-update: it serves the files of an update repository
// that the maintainers signed, and decides which server should run which release.
//
// The files are those of tcrelease update-repo, imported as bundles; every agent would notice if
// this cloud changed one. All of them are in the store, so that each gateway serves the same:
//
//	bundle ─► verified over what is here ─► programs, by their digest ─┐  object store
//	online keys ─► snapshot and timestamp, signed anew ────────────────┤
//	                                          all metadata as one object ◄┘
//	                                                 │
//	                        the entry "repository" names it: one write, over the revision that was read
//
// Until that write agents see the old repository, from then on the new one, at every gateway. A crash
// before it leaves objects that nobody names; a day later they are removed. Versions never go back: a bundle
// is refused that is older than what is here, and one that is newer, but was signed before this cloud
// has signed again, is signed again first.
//
// With the two online keys (DATA/updates/keys/snapshot.pem and timestamp.pem; of several gateways all
// have them as soon as one has, see package identity) the timestamp is signed again before it expires, by
// whichever gateway is first. Their thief could hold releases back, and no more: which program is a
// release only the offline keys say, which no cloud has.
//
// Which release a server gets is decided by the first of these that is set:
//
//	pin of the server ─► pin of its Environment ─► rollout of its channel
//
// A rollout begins with canaries, goes on with a percentage, and ends with all servers. Which
// servers are the first 5 % depends on the release as well as on the server, so that they are not
// always the same. When more of them report that the release failed than the rollout allows, it
// halts by itself: no other server gets the release, and those that have it keep it. Of several gateways the
// one that has the lease looks at the servers (package lease); the plan is in the store.
//
//	canaries ──► n % ──► 100 %          halted ◄── failures > limit, or an operator
package releases
