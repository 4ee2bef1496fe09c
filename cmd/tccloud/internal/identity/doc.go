// Package identity makes gateways that share a store one cloud. What makes a cloud the one that its
// servers and operators know is in files in the data folder of each gateway:
//
//	pki/ca.pem       the CA's certificate and key: servers trust nothing else
//	apptoken.key     signs the tokens of running Apps
//	admin.token      the operators' token
//	updates/keys/    snapshot.pem and timestamp.pem, which say that the releases are the newest; a cloud may have none
//
// They are in the store as well, sealed with the cluster secret, which is not: who reads or steals
// NATS has neither key. [Join] compares both at each start:
//
//	store       folder           what happens
//	nothing     –                the files are made, if there are none, and sealed into the store
//	sealed      none             they are written into the folder: the gateway is one of the cloud
//	sealed      the same         nothing
//	without     one more         it is sealed into the store: this gateway brings a key for releases
//	sealed      an older one     it is replaced: the cloud has adopted another one since
//	sealed      another one      the start is refused, naming the file: this is another cloud
//	sealed      no secret, or    the start is refused, saying where the secret comes from
//	            another secret
//
// # The cluster secret
//
// It is a file with a line of 256 random bits, made by the first gateway; every other one is given
// a copy. Further lines are older secrets. The first line seals, any of them opens: to replace a
// secret, a new line is put above the old one on all gateways, they are started again one by one,
// and the old line is removed.
//
// # What is stored
//
// One JSON value, key [Key], replaced only over the revision that was read:
//
//	{"version": 1, "cloud": ID, "generation": N, "ca": SHA-256, "secret": ID of the secret,
//	 "salt": …, "sealed": …}
//
// The key is HKDF-SHA-256 of the secret and the salt, the cipher AES-256-GCM, and all that is
// readable is authenticated with it. A single machine's store, which is embedded, has no identity
// in it: there the folder is all there is.
package identity
