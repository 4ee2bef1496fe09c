// Package service has the texts that tell service managers about the Environment Server. The
// package ships them, and "tcenvsvr service install" writes them on hosts without the package. It
// is the only part of packaging that the command line contains.
//
//	systemd/threatconnect-envsvr.service    the agent; Apps start by sudo
//	systemd/tc-job.socket, tc-job@.service  opt-in: systemd starts each job in a cgroup of its own, under
//	                                        the shim of the agent's release
//	systemd/threatconnect-envsvr-update.*   root's oneshot that installs a release from the agent's inbox
//	                                        (package updater/slot)
//	systemd/threatconnect-envsvr-bless.*    root's oneshot that ends the probation of a release
//	systemd/hardened.conf                   drop-in of the first unit for hosts that use the second: nothing
//	                                        may gain privileges
//	initd/sysv.sh                           SysV, with the header that chkconfig reads
//	initd/openrc.sh                         OpenRC, which supervises by itself
//	initd/launchd.plist                     macOS
//
// Two rules shaped the units. Whatever makes systemd set NoNewPrivileges for a service with User=
// takes sudo away. So the first unit goes only as far as sudo allows, and hardened.conf goes the
// rest of the way. And jobs outlive the agent. So there is no sandbox that ends with the unit
// (PrivateTmp, RemoveIPC), kills all of its cgroup, or hides the processes of other users, by which
// the agent finds its jobs again.
//
// tc-job@.service delegates its control group: the shim limits its App in there. So it is the shim,
// not systemd, that ends when the kernel has ended the App for memory (OOMPolicy=continue).
//
// The path and timer units need not be enabled: the agent's unit wants them, and they stop with it.
// A path unit is quick, a timer cannot be missed. EL 8 has systemd 239, which ignores unknown
// directives with a warning.
//
// The scripts name the defaults of an installation in lines of their own (TCENVSVR_HOME=, USER=,
// program=). To install elsewhere, replace those lines and nothing else.
package service
