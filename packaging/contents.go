package packaging

import (
	"cmp"
	"io/fs"
	"path"
	"slices"

	"tcenvsvr/agent/host/layout"
)

// A Kind is a kind of entries of the package.
type Kind string

// The kinds. An upgrade keeps a Config that an administrator has changed.
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
	// Owner is the user and the group, which have the same name everywhere here.
	Owner string
	// From is the file of the stage with the content, or what a Link points to. A pattern stands
	// for each file that matches it, and Path is then their folder.
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
	libexec = layout.Libexec
	share   = layout.Share
	docs    = "/usr/share/doc/" + Name
	units   = layout.Units
)

// contents are all entries of the package.
var contents = slices.Concat([]File{
	{Path: libexec, Kind: Dir, Mode: 0o755},
	{Path: libexec + "/tcenvsvr", Mode: 0o755, From: "tcenvsvr"},
	// The user of a shim cannot read its program. So the kernel does not let other processes of
	// that user look into the shim's memory and descriptors: Apps see into no shim, not even at its
	// start.
	{Path: libexec + "/tcenvsvr-shim", Mode: 0o711, From: "tcenvsvr-shim"},
	// Relative, so that it is right below another root as well: in a mounted image, in a chroot.
	{Path: "/usr/bin/tcenvsvr", Kind: Link, From: "../libexec/" + Name + "/tcenvsvr"},

	{Path: units + "/threatconnect-envsvr.service", Mode: 0o644, From: "systemd/threatconnect-envsvr.service"},
	{Path: units, Mode: 0o644, From: "systemd/threatconnect-envsvr-*"},
	{Path: units + "/tc-job.socket", Mode: 0o644, From: "systemd/tc-job.socket"},
	{Path: units + "/tc-job@.service", Mode: 0o644, From: "systemd/tc-job@.service"},
	{Path: "/usr/lib/systemd/system-preset/90-" + Name + ".preset", Mode: 0o644, From: "host/preset.conf"},
	{Path: "/usr/lib/sysusers.d/" + Name + ".conf", Mode: 0o644, From: "host/sysusers.conf"},
	{Path: layout.Tmpfiles, Mode: 0o644, From: "host/tmpfiles.conf"},

	{Path: share, Kind: Dir, Mode: 0o755},
	{Path: share + "/hardened.conf", Mode: 0o644, From: "systemd/hardened.conf"},
	{Path: share + "/sysv.sh", Mode: 0o755, From: "initd/sysv.sh"},
	{Path: share + "/root.json", Mode: 0o644, From: "root.json", Optional: true},

	{Path: layout.Etc + "/environment", Kind: Config, Mode: 0o644, From: "host/environment"},

	// Config, so that a change by hand survives an upgrade and is kept as .rpmsave, which sudo
	// ignores. "host apply" has visudo check it.
	{Path: layout.Sudoers, Kind: Config, Mode: 0o440, From: "host/sudoers"},
}, folders(), []File{
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
})

// folders are the package's own folders outside of /usr.
func folders() []File {
	var all []File
	for _, f := range layout.Folders(layout.Home) {
		if f.Packaged {
			all = append(all, File{Path: path.Join(f.Base, f.Path), Kind: Dir, Mode: f.Mode, Owner: f.Owner})
		}
	}
	return all
}
