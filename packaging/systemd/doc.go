// Package systemd holds the units as text, for the package, which ships
// them in /usr/lib/systemd/system, and for `tcenvsvr service install`, which
// writes the first of them on a host without the package.
//
//	threatconnect-envsvr.service  the agent; Apps start by sudo
//	tc-job.socket, tc-job@.service  opt-in: systemd starts each job in a cgroup of its own, under the shim of the agent's release
//	threatconnect-envsvr-update.*   root's oneshot that takes a release from the agent's inbox (package updater/slot)
//	threatconnect-envsvr-bless.*    root's oneshot that ends the trial of a release, well or badly
//	hardened.conf                 drop-in of the first, for who uses the second: nothing may gain privileges
//
// Two rules shaped them. Whatever makes systemd set NoNewPrivileges for a
// service with User= takes sudo away, so the first unit goes only as far as
// sudo allows and hardened.conf goes the rest of the way. And jobs outlive
// the agent: a sandbox that ends with the unit (PrivateTmp, RemoveIPC), that
// kills all of its cgroup, or that hides the processes of other users, by
// which the agent knows its jobs again, is none for us.
//
// The path and timer units need no enabling: the agent's unit wants them, and
// they stop with it. A path unit is quick, a timer cannot be missed.
//
// EL 8 has systemd 239, which ignores what it does not know with a warning.
package systemd
