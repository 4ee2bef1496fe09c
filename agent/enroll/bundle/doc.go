// Package bundle reads the files of the Dedicated Cloud's "Download" menu: the configuration and
// keystore that make a host an Environment Server.
//
//	threatconnect-envsvr-bundle.zip
//	  threatconnect-envsvr/.tcenvsvr/environment.env     KEY=value, vendor's setting names
//	  threatconnect-envsvr/.tcenvsvr/keystore.p12        client key and certificate, the cloud's CA
//	  threatconnect-envsvr/README.txt
//	  threatconnect-envsvr/threatconnect-envsvr-….rpm    the package, in an all-in-one: for the administrator
//
// The package may be large; it is neither unpacked nor held in memory here. A bundle is untrusted
// input: every size is bounded, no name in it becomes a file name, and nothing is written before
// all of it has been checked.
package bundle
