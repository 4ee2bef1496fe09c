// Package cgroup puts an App into a control group of its own, where one was delegated to the user
// of the shim: with the kernel's help, its memory, processes and CPU are bounded for all of the App
// together, and all of it can be ended at once. Only version 2 of control groups can be delegated
// safely, so nothing else is used.
//
//	tc-job@7.service         delegated by systemd (Delegate=yes); it may hold groups or processes
//	├── tc-shim              the shim, which was started in the group above
//	└── tc-job-4711-90210    the App: memory.max, memory.swap.max, pids.max, cpu.weight
//
// A service of a user's own systemd is used as well if its processes are in a subgroup (Delegate=yes
// and DelegateSubgroup=agent): the groups of Apps are made beside that.
//
// A shim that has one App after the other gives them the same group, one after the other ([Group.Again]), where
// Apps cannot write to it and the last one has left nothing in it. Inits of Apps to come may wait there, which the
// shim has made ([Group.Fork]).
//
// The name says which shim made a group, by PID and start time. What a shim that was killed left in
// its group is ended by the next shim that makes one beside it.
//
// The App is of the same user as its shim, who owns the files of the group. It must not be able to
// write there: where the App has mounts of its own, it sees [Mount] read-only.
package cgroup
