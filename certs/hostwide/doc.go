// Package hostwide does what the vendor's guide does by hand, for those who want
// private CAs beyond Apps. Both can be taken back.
//
//	Anchors   private CAs into the host's own store: update-ca-trust (RHEL),
//	          update-ca-certificates (Debian, SUSE)
//	Wrapper   a script in place of a Python, or beside it, that points to our bundle
//
// Apps need neither: they are told by their environment.
package hostwide
