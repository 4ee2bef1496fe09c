// Package packaging describes the package threatconnect-envsvr once, as a table (contents.go,
// about.go), and makes from it what hosts install: rpm and deb through nfpm, and a tar.gz for other
// systems. Names, users and the modes of folders come from package agent/host/layout; where a
// scriptlet or a unit must repeat one, layout_test.go compares them.
//
//	service  the texts for service managers, which the command line has in it as well
//	pgp      the release key
//	dnf      a repository that dnf reads
//
//	/usr/libexec/threatconnect-envsvr/  the programs; updates never write here
//	/usr/bin/tcenvsvr                   a link to the first of them
//	/usr/lib/systemd/system/            units, of package packaging/service
//	/run/threatconnect-envsvr-updater/  links to what units start: the package's, or an update's
//	/opt/threatconnect-envsvr/{a,b}/    slots of self-update: ours, what is in them is not
//	/opt/threatconnect-envsvr/.tcenvsvr state, of the agent's user
//	/etc/threatconnect-envsvr/          environment of the service, private CAs
//
// Self-update and the package agree because the package owns the folders of the slots and the
// updater owns what is in them: "rpm -V" reports nothing, and no transaction reverts an update.
// Every folder is in the table, because rpm does not remove what it does not own. But what is below
// .tcenvsvr is not in it: its parents belong to the agent's user, who could exchange them while rpm
// works there as root.
//
// The scriptlets do little themselves. They call "tcenvsvr host apply" and "tcenvsvr host remove".
// Only a failure to create the users may stop a transaction, since files belong to them by name.
//
// The same Build gives the same bytes: times are the commit's, nothing comes from the machine, and
// signatures (package pgp) are deterministic.
//
// nfpm writes absolute names into the rpm's payload. rpm uses its header and does not mind. To look
// into the package by hand, use "rpm2cpio … | cpio -id --no-absolute-filenames": without that
// option, and as root, cpio unpacks over the host.
package packaging
