package layout

import "io/fs"

// The names of the product on a host.
const (
	Package = "threatconnect-envsvr" // of the package
	Service = "threatconnect-envsvr" // of the service, without .service
	Program = "tcenvsvr"             // the agent and its command line
	Shim    = "tcenvsvr-shim"        // the parent of a job
	Socket  = "tc-job.socket"        // the unit that starts a shim for each connection
)

// The users. Each has a group of the same name.
const (
	Agent   = "threatconnect" // the agent runs as it
	Sandbox = "tc-job"        // Apps run as it
	Root    = "root"
)

// Where the package puts what. Updates never write to Libexec, Share and Etc.
const (
	Home         = "/opt/" + Package
	Libexec      = "/usr/libexec/" + Package
	Share        = "/usr/share/" + Package
	Etc          = "/etc/" + Package
	Units        = "/usr/lib/systemd/system"
	Tmpfiles     = "/usr/lib/tmpfiles.d/" + Package + ".conf"
	Sudoers      = "/etc/sudoers.d/threatconnect"
	Run          = "/run/" + Package              // the agent's sockets
	UpdaterRun   = "/run/" + Package + "-updater" // links that choose what is started
	UpdaterState = "/var/lib/" + Package + "-updater"
	HostState    = "/var/lib/" + Package + "-host" // backups of files of the host

	// Below Home.
	State    = ".tcenvsvr" // the agent's own folder
	Inbox    = State + "/inbox"
	Exchange = State + "/exchange" // what agent and Apps share
	Programs = Exchange + "/programs"
	Jobs     = Exchange + "/jobs"
)

// A Folder is one that the package or the host's setup makes.
type Folder struct {
	Base, Path string      // Path is below Base, whose parents are root's
	Owner      string      // user and group
	Mode       fs.FileMode // with Unix's own bits: 02000 is setgid
	// Packaged folders are the package's. Others are below a folder of the agent's user, who could
	// exchange them while the package manager works there as root: the host's setup makes those.
	Packaged bool
}

// Folders are all folders for a home. Home and the slots below it are root's: the owner of a folder can
// exchange what is in it, and not even the agent may put another program into a slot.
func Folders(home string) []Folder {
	return []Folder{
		{Base: home, Owner: Root, Mode: 0o755, Packaged: true},
		{Base: home, Path: "a", Owner: Root, Mode: 0o755, Packaged: true},
		{Base: home, Path: "a/bin", Owner: Root, Mode: 0o755, Packaged: true},
		{Base: home, Path: "b", Owner: Root, Mode: 0o755, Packaged: true},
		{Base: home, Path: "b/bin", Owner: Root, Mode: 0o755, Packaged: true},
		// The sandbox user passes through to exchange, and cannot list what it passes.
		{Base: home, Path: State, Owner: Agent, Mode: 0o711, Packaged: true},
		{Base: home, Path: Inbox, Owner: Agent, Mode: 0o700},
		{Base: home, Path: Exchange, Owner: Agent, Mode: 0o711},
		{Base: home, Path: Programs, Owner: Agent, Mode: 0o2770},
		{Base: home, Path: Jobs, Owner: Agent, Mode: 0o2770},
		{Base: "/etc", Path: Package, Owner: Root, Mode: 0o755, Packaged: true},
		{Base: "/etc", Path: Package + "/certs.d", Owner: Root, Mode: 0o755, Packaged: true},
		{Base: "/var/lib", Path: Package + "-updater", Owner: Root, Mode: 0o700, Packaged: true},
	}
}
