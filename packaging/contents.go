package packaging

import (
	"cmp"
	"io/fs"
)

// A Kind says what an entry of the package is.
type Kind string

// Kinds of entries. Config is kept on upgrade where an admin changed it.
const (
	Regular Kind = "file"
	Dir     Kind = "dir"
	Link    Kind = "link"
	Config  Kind = "config"
	Doc     Kind = "doc"
	Terms   Kind = "license"
)

// A File is one entry of the package.
type File struct {
	Path string
	Kind Kind
	// Mode has Unix's own bits, 02000 is setgid.
	Mode fs.FileMode
	// Owner is user and group; both have the same name everywhere here.
	Owner string
	// From is the file of the stage with the content, or what a Link points
	// to. A pattern stands for each file that matches it; Path is then their folder.
	From string
	// Optional entries are left out where the stage lacks them.
	Optional bool
}

func (f File) withDefaults() File {
	f.Kind = cmp.Or(f.Kind, Regular)
	f.Owner = cmp.Or(f.Owner, "root")
	return f
}

const (
	libexec = "/usr/libexec/" + Name
	share   = "/usr/share/" + Name
	docs    = "/usr/share/doc/" + Name
	units   = "/usr/lib/systemd/system"
	home    = "/opt/" + Name
	agent   = "threatconnect"
)

var contents = []File{
	{Path: libexec, Kind: Dir, Mode: 0o755},
	{Path: libexec + "/tcenvsvr", Mode: 0o755, From: "tcenvsvr"},
	// Of a program that its user cannot read the kernel opens memory and descriptors to nobody
	// else's program of that user: Apps see into no shim, not even at its start.
	{Path: libexec + "/tcenvsvr-shim", Mode: 0o711, From: "tcenvsvr-shim"},
	// Relative, so that it also holds below another root: an image that is mounted, a chroot.
	{Path: "/usr/bin/tcenvsvr", Kind: Link, From: "../libexec/" + Name + "/tcenvsvr"},

	{Path: units + "/threatconnect-envsvr.service", Mode: 0o644, From: "systemd/threatconnect-envsvr.service"},
	{Path: units, Mode: 0o644, From: "systemd/threatconnect-envsvr-*"},
	{Path: units + "/tc-job.socket", Mode: 0o644, From: "systemd/tc-job.socket"},
	{Path: units + "/tc-job@.service", Mode: 0o644, From: "systemd/tc-job@.service"},
	{Path: "/usr/lib/systemd/system-preset/90-" + Name + ".preset", Mode: 0o644, From: "host/preset.conf"},
	{Path: "/usr/lib/sysusers.d/" + Name + ".conf", Mode: 0o644, From: "host/sysusers.conf"},
	{Path: "/usr/lib/tmpfiles.d/" + Name + ".conf", Mode: 0o644, From: "host/tmpfiles.conf"},

	{Path: share, Kind: Dir, Mode: 0o755},
	{Path: share + "/hardened.conf", Mode: 0o644, From: "systemd/hardened.conf"},
	{Path: share + "/sysv.sh", Mode: 0o755, From: "initd/sysv.sh"},
	{Path: share + "/root.json", Mode: 0o644, From: "root.json", Optional: true},

	{Path: "/etc/" + Name, Kind: Dir, Mode: 0o755},
	{Path: "/etc/" + Name + "/certs.d", Kind: Dir, Mode: 0o755},
	{Path: "/etc/" + Name + "/environment", Kind: Config, Mode: 0o644, From: "host/environment"},

	// Config, so that a change by hand survives an upgrade and is kept as
	// .rpmsave, which sudo ignores. host apply lets visudo judge it.
	{Path: "/etc/sudoers.d/threatconnect", Kind: Config, Mode: 0o440, From: "host/sudoers"},

	// Root's, because who owns a folder can exchange what is in it: not even
	// the agent may put another program in a slot.
	{Path: home, Kind: Dir, Mode: 0o755},
	{Path: home + "/a", Kind: Dir, Mode: 0o755},
	{Path: home + "/a/bin", Kind: Dir, Mode: 0o755},
	{Path: home + "/b", Kind: Dir, Mode: 0o755},
	{Path: home + "/b/bin", Kind: Dir, Mode: 0o755},
	{Path: "/var/lib/" + Name + "-updater", Kind: Dir, Mode: 0o700},
	// tc-job passes through to exchange and lists nothing on the way. What is below
	// is made by host apply: rpm goes there by path, and the agent's user, whose
	// folder it is, could lead it elsewhere or have every upgrade fail.
	{Path: home + "/.tcenvsvr", Kind: Dir, Mode: 0o711, Owner: agent},

	{Path: "/usr/share/man/man1", Kind: Doc, Mode: 0o644, From: "man/*.1.gz"},
	{Path: "/usr/share/bash-completion/completions/tcenvsvr", Mode: 0o644, From: "completions/bash"},
	{Path: "/usr/share/zsh/site-functions/_tcenvsvr", Mode: 0o644, From: "completions/zsh"},
	{Path: "/usr/share/fish/vendor_completions.d/tcenvsvr.fish", Mode: 0o644, From: "completions/fish"},
	{Path: docs, Kind: Dir, Mode: 0o755},
	{Path: docs + "/README.md", Kind: Doc, Mode: 0o644, From: "README.md"},
	{Path: docs, Kind: Doc, Mode: 0o644, From: "docs/*.md"},
	{Path: docs + "/changelog.yaml", Kind: Doc, Mode: 0o644, From: "changelog.yaml"},
	{Path: "/usr/share/licenses/" + Name, Kind: Dir, Mode: 0o755},
	{Path: "/usr/share/licenses/" + Name + "/LICENSE", Kind: Terms, Mode: 0o644, From: "LICENSE"},
}
