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
// has signed again, is signed again first. Of two that continue the same repository the later one is refused.
//
// One gateway has the lease (package lease): it signs, looks at rollouts and removes what nobody names. One
// that stood still and has lost the lease without knowing it harms nothing: a signature and a halt are
// written over the revision that they were made of, and a sweep rewrites the entry before it removes, and
// then removes only what was stored long before. When it is killed, another one goes on within twelve seconds.
// Each has a copy of what is published, as files that are compared with their digests, and of nothing else;
// what the store has damaged is not served, and comes back with its bundle.
//
// # The keys
//
// With the two online keys (DATA/updates/keys/snapshot.pem and timestamp.pem; of several gateways all
// have them, see package identity) the timestamp is signed again before it expires; a gateway without the
// lease does so two hours later, if the one that has it has no keys.
//
//	online keys    say that what the offline keys signed is the newest, for two days. Their thief, who
//	               also has a gateway or the store, can hold releases back until somebody notices, and
//	               block updates by version numbers that are too high, until the keys are replaced
//	offline keys   say which program is a release, which ones must not run any more, and which keys count.
//	               No cloud has them: agents verify all of it, and whoever has the online keys, every
//	               gateway and the store cannot make one of them install anything else
//
// Which release a server gets is decided by the first of these that is set:
//
//	pin of the server ─► pin of its Environment ─► rollout of its channel
//
// A rollout begins with canaries, goes on with a percentage, and ends with all servers. Which
// servers are the first 5 % depends on the release as well as on the server, so that they are not
// always the same. When more of them report that the release failed than the rollout allows, it
// halts by itself: no other server gets the release, and those that have it keep it. The
// plan is in the store, one record: whoever has the lease next decides by the same.
//
//	canaries ──► n % ──► 100 %          halted ◄── failures > limit, or an operator
package releases
