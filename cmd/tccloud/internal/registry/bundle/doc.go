// Package bundle makes the ZIP that turns an installed agent into an
// Environment Server of this cloud (the "Download" of an Environment):
//
//	threatconnect-envsvr/
//	  README.txt                what this is and what to do with it
//	  .tcenvsvr/environment.env KEY=value lines in the names of the agent's settings
//	  .tcenvsvr/keystore.p12    client key and certificate, and the CAs that sign the cloud's
//
//	kind    gives                                  for
//	all     environment.env and keystore.p12       a new server, or a new key for an existing one
//	env     environment.env alone                  an existing server that keeps its keystore (needs its xid)
//	        environment.env and keystore.p12       without an xid: a new server
//	server  the package alone                      refused: this cloud was given no package
//
// A bundle holds secrets in the clear (the keystore's password stands in
// environment.env): whoever has the file is the server until it is revoked.
package bundle
