// Package hostwide makes private CAs count outside of Apps too. It does what the vendor's guide
// describes as steps by hand; both can be undone.
//
//	Anchors   private CAs into the host's own store: update-ca-trust (RHEL),
//	          update-ca-certificates (Debian, SUSE)
//	Wrapper   a script in place of a Python, or beside it, that points to our bundle
//
// Apps need neither: their environment names the set of CAs.
package hostwide
