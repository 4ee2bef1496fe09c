// Package packaging describes the package threatconnect-envsvr once, as a
// table (contents.go, about.go), and makes of it what hosts install: rpm and
// deb through nfpm, and a tar.gz for the rest.
//
//	/usr/libexec/threatconnect-envsvr/  the programs; updates never write here
//	/usr/bin/tcenvsvr                   a link to the first of them
//	/usr/lib/systemd/system/            units of package packaging/systemd
//	/run/threatconnect-envsvr-updater/  links to what units start: the package's, or an update's
//	/opt/threatconnect-envsvr/{a,b}/    slots of self-update: ours, what is in them is not
//	/opt/threatconnect-envsvr/.tcenvsvr state, of the agent's user
//	/etc/threatconnect-envsvr/          environment of the service, private CAs
//
// Why self-update and the package agree: the package owns the folders of the
// slots and the updater owns what is in them, so `rpm -V` has nothing to say
// and no transaction reverts an update. Every folder of ours is in the table,
// because rpm leaves what it does not own behind; but what lies below .tcenvsvr is not, because
// its parents are the agent's, who could exchange them while rpm works there as root.
//
// What needs thought on a host is not in the scriptlets but in `tcenvsvr host
// apply` and `host remove`, which they call. Only the creation of users may
// stop a transaction, since files are given away by name.
//
// The same Build gives the same bytes: times are the commit's, nothing comes
// from the machine, and signatures (package pgp) are deterministic.
//
// nfpm writes absolute names into the rpm's payload. rpm goes by its header and does not mind, but
// who looks into the package by hand says `rpm2cpio … | cpio -id --no-absolute-filenames`:
// without that, and as root, cpio unpacks it over the host.
package packaging
