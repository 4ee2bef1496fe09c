// Package setup makes a Linux host one that can run Apps as a sandbox user, reports how far the
// host is from that, and undoes what it did.
//
//	step       what it sees to                                            undone by Remove
//	users      users and groups threatconnect and tc-job                  no: they may own files
//	programs   that agent and shim are whole and can be executed          –
//	access     that both users reach their folders                        –
//	folders    owners, modes and ACLs of the package's folders            no: they hold data
//	state      owner and mode of the agent's own files                    –
//	settings   appsSandboxUser, where nobody set it                       no: they are data
//	sudoers    the sudoers rule, once visudo accepts it (package sudoers) yes, unless an administrator wrote it
//	sudo       that threatconnect really becomes tc-job (package sudoers) –
//	su         the block in /etc/pam.d/su, once tried (package pam)       yes, byte by byte
//	runtime    what tmpfiles.d says about /run                            yes
//	fapolicyd  a rule, where fapolicyd has a rules.d                      yes
//	labels     SELinux labels, where SELinux runs                         no
//
// A step is one function that looks at the host and returns findings (package plan): what is not as
// it should be, and what puts it right. [Host.Check] reports them, a dry run reports what would be
// done, [Host.Apply] does it; so the three cannot disagree. A step that fails does not keep the
// others from being done.
//
// Besides plan, interpreter installs the Python or Java that Apps run with, and hosttest gives
// tests a host to set up.
//
// Nothing of the host gets lost. Files are replaced in one step and keep owner, mode, label and
// ACLs. What an administrator wrote stays. The one file of others that is changed has a backup
// until Remove.
//
// Root opens what is below a folder that the agent may write without following links, and has a
// process of the agent's user read it (package become).
package setup
