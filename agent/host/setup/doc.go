// Package setup makes a Linux host one that can run Apps as a sandbox user,
// says how far it is from that, and takes back what it did.
//
//	step      what it sees to                                     taken back by Remove
//	users     users and groups threatconnect and tc-job           no: files may be theirs
//	way       that both users reach their folders                  –
//	folders   owners, modes and ACLs of what the package has      no: they hold data
//	state     owner and mode of the agent's own files             –
//	settings  appsSandboxUser, where nobody set it                no: they are data
//	sudoers   /etc/sudoers.d/threatconnect, after visudo said yes yes, unless an administrator wrote it
//	sudo      that threatconnect really becomes tc-job            –
//	su        the marked block in /etc/pam.d/su, once tried       yes, byte by byte
//	runtime   what tmpfiles.d says about /run                     yes
//	fapolicyd a rule, where fapolicyd has a rules.d               yes
//	labels    what SELinux wants, where it runs                   no
//
// A step is one function that looks at the host and returns Findings: what is
// not as it should be, and what would put it right. Check prints them, a dry
// run says what would be done, Apply does it; so the three cannot disagree. A step
// that cannot be done does not keep the others from being done.
//
// The lines of a PAM file count each other: a jump goes over so many. So the block only
// stands where no jump of any service goes across (pam_chain.go), and is tried before the
// file is touched: by the host's own su, in a mount namespace, for the agent's user,
// root and a third one, with and without it (su_try_linux.go). Where su cannot be
// had, or somebody else would be decided about differently, the file stays as it is.
//
// Nothing of the host is lost: files are replaced in one step and keep owner,
// mode, label and ACLs; what an administrator wrote stays; the one file of
// others that is changed has one backup until Remove. What lies
// below a folder that the agent may write is opened without following links, because
// root does it, and read by a process of the agent's user (package become).
package setup
