// Package bundle makes the ZIP that turns an installed agent into an Environment Server of this
// cloud (the "Download" of an Environment):
//
//	threatconnect-envsvr/
//	  README.txt                what this is and what to do with it
//	  .tcenvsvr/environment.env KEY=value lines in the names of the agent's settings
//	  .tcenvsvr/keystore.p12    client key and certificate, and the CAs that sign the cloud's
//	  threatconnect-envsvr-….rpm  the package to install, byte by byte as it was added to the cloud
//
//	kind    gives                                    for
//	all     package, environment.env, keystore.p12   a new server, or a new key for an existing one
//	        the same without the package             where the kind is not named and the cloud has no package
//	env     environment.env alone, no ZIP            an existing server that keeps its keystore (needs its xid)
//	        environment.env and keystore.p12         without an xid: a new server
//	server  the package alone, no ZIP                no matter of this package: no identity goes with it
//
// Secrets are only in memory, and the package, which is large, is copied while it is read. A bundle
// holds secrets in clear text (environment.env has the keystore's password): a host that has the
// file is the server until that is revoked.
package bundle
