// Package bundle reads what the Dedicated Cloud's "Download" gives: the
// configuration and keystore that make a host an Environment Server.
//
//	threatconnect-envsvr-bundle.zip
//	  threatconnect-envsvr/.tcenvsvr/environment.env     KEY=value, vendor's setting names
//	  threatconnect-envsvr/.tcenvsvr/keystore.p12        client key and certificate, the cloud's CA
//	  threatconnect-envsvr/README.txt
//	  threatconnect-envsvr/threatconnect-envsvr-….rpm    the package, in an all-in-one: for the administrator
//
// The package may be large: it is neither unpacked nor held in memory here.
// A bundle is input from outside: every size is bounded, nothing is unpacked by the names it
// carries, and nothing is written before all of it has been understood.
package bundle
