package help

import (
	"path/filepath"
	"strings"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/paths"
)

// files says where things are on disk: the state below the home, and what the package installs.
func files() Topic {
	const home = "HOME"
	p, err := paths.New(home)
	if err != nil { // without a current folder: the names below it are all that is shown
		p = paths.Paths{}
	}
	below := func(file string) string {
		if rest, ok := strings.CutPrefix(file, p.Home); ok {
			file = home + rest
		}
		return filepath.ToSlash(file)
	}
	state := Section{Title: "State of this server, below its home:", Term: "file", Text: "what it is", Column: 36, Rows: []Row{
		{below(p.Settings), "the settings; secrets in it are sealed by the keychain"},
		{below(p.Keystore), "the client certificate and its key"},
		{below(p.Keychain), "the keychain: what opens the sealed settings, itself protected by the master password"},
		{below(p.Brokers), "brokers that the cloud named, beside those of `brokerHost`"},
		{below(p.SealKeys), "the keys that open sealed parameters, sealed by the keychain"},
		{below(p.Logs) + "/tcenvsvr.log", "the log, where no service manager and no terminal keeps it (on systemd: the journal)"},
		{below(p.Audit), "who enrolled or changed settings, which orders were accepted, refused or denied, each step of an update"},
		{below(p.Programs), "the unpacked Apps"},
		{below(p.Jobs), "one folder for each job: what its App wrote and printed"},
		{below(p.Journal), "accepted orders, and results that the cloud does not have yet; never delete it"},
		{below(p.Certs), "the private CAs that \"tcenvsvr certs add\" added"},
		{below(p.Trust) + "/current", "the merged CAs that Apps get: ca-bundle.pem, cacerts.jks, cacerts.p12"},
		{below(filepath.Join(p.Home, layout.Inbox)), "a release that was downloaded and not installed yet"},
		{below(p.CertsDrop[len(p.CertsDrop)-1]), "private CAs that administrators put there by hand"},
	}}
	installed := Section{Title: "What the package for Linux installs:", Term: "file", Text: "what it is", Column: 36, Rows: []Row{
		{"/usr/bin/" + layout.Program, "the command, a link to the package's program"},
		{layout.Libexec, "the package's programs; an update never writes there"},
		{layout.Home, "the home; a and b in it are the slots that updates are installed in"},
		{layout.Etc + "/environment", "environment of the service; what it sets counts more than settings.yaml"},
		{layout.Etc + "/certs.d", "private CAs that administrators put there by hand"},
		{layout.Sudoers, "lets the agent become tc-job, and nobody else"},
		{layout.Units + "/" + layout.Service + ".service", "the unit of the service; change it with \"systemctl edit threatconnect-envsvr\""},
		{layout.Units + "/" + layout.Socket, "the hardened way to run Apps, not enabled by itself"},
		{layout.UpdaterState, "what root's side knows of updates; audit.jsonl has each step"},
		{"/usr/share/doc/" + layout.Package + "/README.md", "how to begin"},
	}}
	theirs := Section{Title: "What the customer writes:", Term: "file", Text: "what it is", Column: 36, Rows: []Row{
		{paths.HostPolicy, "what is allowed to run here, whatever the cloud says; root's alone. See \"tcenvsvr policy show\""},
	}}
	return Topic{
		Name: "files", Short: "where settings, logs, Apps and all the rest are on disk",
		Intro: "HOME is the folder that --home or TCENVSVR_HOME names, by default " + paths.DefaultHome +
			". The agent's user, threatconnect, owns HOME/.tcenvsvr; root owns the rest.",
		Sections: []Section{state, installed, theirs},
	}
}
