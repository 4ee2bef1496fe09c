// Package host is a machine to install our packages on: a Debian userland made to look like RHEL 9
// where the package cares (PAM stack, rpm's database and signature policy, dnf), booted by
// systemd-nspawn with systemd as its PID 1. Its tests do there what an administrator does, with
// dnf, gpgcheck=1 and repo_gpgcheck=1, against a tccloud in another network namespace.
//
//	build_linux.go    Build: the root file system, once for each recipe (recipe/)
//	boot_linux.go     Boot: an overlay of it as a running machine
//	run_linux.go      commands and files inside
//	network_linux.go  the namespaces of machine and cloud, and the wire between
//
//	recipe/           root.sh makes the root, el.sh makes it look like EL
//	*_test.go         what must hold, one file a subject
//	vm_linux_test.go  the same root in a virtual machine, for SELinux and limits (test/run --vm)
//
// What a machine changes is dropped when its test ends. While working on the tests, -release FOLDER
// keeps the packages from one run to the next. Known limits: no SELinux but in the virtual machine,
// no cgroup controllers inside where the host's are of version 1 (MemoryMax and TasksMax are set, not
// enforced), systemd 252 as in EL 9 (EL 8 has 239), no targeted policy, authselect, crypto-policies,
// FIPS.
package host
