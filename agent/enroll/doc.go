// Package enroll makes a host a server of an Environment, or moves it to another.
//
//	bundle, .env, keystore, link ─► Offer ─► Plan ─► Prove ─► Commit
//	                                          │        │         └ keystore, then settings: one rename decides
//	                                          │        └ broker and API, from memory
//	                                          └ what changes; refuses what does not fit together
//
// Afterwards [StateSealKey] tells the broker to which key parameters may be sealed.
//
// Nothing is written before [Plan.Commit], and [Plan.Prove] works from memory: an enrollment that
// fails leaves the host as it was.
//
// The rules of identity: the certificate names the server, and serverXid is that name. A .env file
// alone moves a server to another Environment and keeps its certificate, so it must be for the same
// server. To become another server gives up the results that the old one has not reported, so it
// has to be requested explicitly.
package enroll
