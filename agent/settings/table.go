package settings

import "strings"

// Kind says how a value is written and what Go type it becomes.
type Kind string

// The kinds.
const (
	Text    Kind = "text"    // string, or Secret
	Number  Kind = "number"  // int
	Seconds Kind = "seconds" // a whole number in writing, a time.Duration in Go
	Switch  Kind = "switch"  // true or false; bool
)

// A Setting is one row of the table.
type Setting struct {
	Name     string // key in the file, as the vendor spells it
	Kind     Kind
	Default  string   // as it would be written; "" = nothing
	Choices  []string // of a Text; nil = any
	Min, Max int64    // of a Number or Seconds
	Secret   bool     // never shown
	Fixed    bool     // once set, only enrolling changes it
	Live     bool     // a running agent takes a new value; others need a restart
	Help     string   // one sentence without full stop
	Example  string   // for help and README.md; "" = none

	check func(string) error // of a Text that is not empty; the error says what is allowed
}

// Env is the name of the environment variable.
func (s Setting) Env() string { return envPrefix + strings.ToUpper(s.Name) }

const envPrefix = "TCENVSVR_"

// All is the table of settings. The first 22 stand in the order of the menu of "configure", whose
// numbers administrators know: 3 is appsJavaHome, 13–18 are the proxy.
var All = []Setting{
	{Name: "apiURL", Kind: Text, check: checkURL, Example: "https://api.example.com:8443",
		Help: "URL of the Dedicated Cloud's API, without /api"},
	{Name: "appDeliveryToken", Kind: Text, Secret: true,
		Help: "token that authenticates downloads from the App catalog and uploads"},
	{Name: "appsJavaHome", Kind: Text, Live: true, check: checkPath, Example: "/usr/lib/jvm/java-17-openjdk",
		Help: "folder of the Java installation, or its java program; empty searches the usual places"},
	{Name: "appsNumberofJobExecutors", Kind: Number, Live: true, Default: "8", Min: 1, Max: 4096,
		Help: "how many Apps may run at once; a matter of CPUs and memory"},
	{Name: "appsPythonHome", Kind: Text, Live: true, check: checkPath, Example: "/usr/bin/python3",
		Help: "folder of a Python installation, or its program, for Apps that do not ask for 3.11"},
	{Name: "appsPythonHome311", Kind: Text, Live: true, check: checkPath, Example: "/usr/bin/python3.11",
		Help: "folder of the Python 3.11 installation, or its program; empty searches the usual places"},
	{Name: "appsSandboxUser", Kind: Text, check: checkUser, Example: "tc-job",
		Help: "user that runs Apps (Linux only); empty runs them as the agent's own user"},
	{Name: "appsSessionDaystoKeep", Kind: Number, Live: true, Default: "30", Min: 0, Max: 3650,
		Help: "days that a finished job's folder is kept; 0 keeps it until the cloud has the result"},
	{Name: "brokerHost", Kind: Text, Live: true, check: checkBrokers, Example: "broker.example.com:62000",
		Help: "host of the message broker, or of several, separated by commas, of which any will do; a port here wins over brokerPort"},
	{Name: "brokerToken", Kind: Text, Secret: true,
		Help: "key that authenticates the connection to the message broker"},
	{Name: "environment", Kind: Text,
		Help: "name of the Environment this server belongs to, from its bundle; signed orders and sealed parameters must be for it"},
	{Name: "keystorePassword", Kind: Text, Secret: true,
		Help: "password of keystore.p12, which holds the client certificate"},
	{Name: "proxyExternal", Kind: Switch, Live: true, Default: "false",
		Help: "whether what Apps connect to elsewhere goes through the proxy"},
	{Name: "proxyHost", Kind: Text, Live: true, check: checkProxyHost, Example: "proxy.example.com",
		Help: "name or address of the proxy; https:// or socks5:// before it selects that kind of proxy; a whole URL also sets port, user name and password"},
	{Name: "proxyPassword", Kind: Text, Live: true, Secret: true,
		Help: "password for the proxy"},
	{Name: "proxyPort", Kind: Number, Live: true, Default: "", Min: 1, Max: 65535,
		Help: "port of the proxy"},
	{Name: "proxyTC", Kind: Switch, Live: true, Default: "false",
		Help: "whether connections to the Dedicated Cloud go through the proxy"},
	{Name: "proxyUsername", Kind: Text, Live: true,
		Help: "user name for the proxy"},
	{Name: "queueTransport", Kind: Text, Live: true, Choices: []string{"", "websocket"},
		Help: "empty uses a raw TLS connection to the broker, websocket a WebSocket on the same port"},
	{Name: "relaySystemInfoPublishSeconds", Kind: Seconds, Live: true, Default: "60", Min: 5, Max: 86_400,
		Help: "how often the state of this host is reported"},
	{Name: "serverName", Kind: Text, check: checkName,
		Help: "name of this server in the cloud's lists; empty is the host's name"},
	{Name: "serverXid", Kind: Text, Fixed: true, check: checkXID,
		Help: "identity of this server; never change it"},

	{Name: "appsCpuWeight", Kind: Number, Live: true, Default: "100", Min: 1, Max: 10_000,
		Help: "an App's share of the CPU against what else wants it, 100 is usual; where the runner is socket (Linux only)"},
	{Name: "appsDefaultTimeoutSeconds", Kind: Seconds, Live: true, Default: "3600", Min: 1, Max: 604_800,
		Help: "how long an App may run if no timeout is given; orders always give one"},
	{Name: "appsNumberofServices", Kind: Number, Live: true, Default: "4", Min: 0, Max: 4096,
		Help: "how many services (Apps that run until they are stopped) may run here, beside appsNumberofJobExecutors; 0 takes none, and Windows none at all"},
	{Name: "appsIsolation", Kind: Text, Default: "auto", Choices: []string{"auto", "required", "off"},
		Help: "how far Apps are kept apart from each other and from this host (Linux only); auto is as far as the kernel allows, required takes no orders where that is less than all, off is not at all"},
	{Name: "appsJavaArchives", Kind: Text, Live: true, Default: "auto", Choices: []string{"auto", "off"},
		Help: "whether Java Apps start from class-data archives, which are made after the first successful run of a version and halve the processor time of later ones; off uses and makes none"},
	{Name: "appsJobOutputMaxBytes", Kind: Number, Live: true, Default: "10485760", Min: 65_536, Max: 1 << 30,
		Help: "how much of each of an App's output streams is kept, in bytes"},
	{Name: "appsMemoryMegabytes", Kind: Number, Live: true, Default: "0", Min: 0, Max: 1 << 24,
		Help: "how much memory one App may take, with all that it starts, before it is ended; where the runner is socket (Linux), and on Windows; 0 is no limit of one App"},
	{Name: "appsRunner", Kind: Text, Default: "auto", Choices: []string{"auto", "sudo", "socket", "none"},
		Help: "how Apps become the sandbox user; auto is sudo on Linux where appsSandboxUser is set, else none; socket is the hardened tc-job.socket of the package"},
	{Name: "appsSessionsDiskPercent", Kind: Number, Live: true, Default: "20", Min: 1, Max: 90,
		Help: "share of the disk, of its bytes and of its files (inodes), that folders of finished jobs may take before appsSessionDaystoKeep is over; the oldest go first"},
	{Name: "appsTasksMax", Kind: Number, Live: true, Default: "2048", Min: 0, Max: 1 << 22,
		Help: "how many processes and threads one App may have; where the runner is sudo, all Apps together may have as many for each executor; 0 is no limit of one App"},
	{Name: "appsWarmMegabytes", Kind: Text, Live: true, Default: "auto", check: checkWarm,
		Help: "how much memory may be taken by processes that have imported the libraries of Python Apps that run often, so that these start at once (Linux only, where Apps are fully isolated); auto is a sixteenth of the host's, at most 1024, 0 has every App start anew"},
	{Name: "brokerPort", Kind: Number, Live: true, Default: "62000", Min: 1, Max: 65535,
		Help: "port of the message broker"},
	{Name: "drainSeconds", Kind: Seconds, Live: true, Default: "30", Min: 0, Max: 86_400,
		Help: "how long a stopping agent takes no new orders and lets running ones finish; Apps still running then go on without it"},
	{Name: "logLevel", Kind: Text, Live: true, Default: "info", Choices: []string{"debug", "info", "warn", "error"},
		Help: "how much is logged"},
	{Name: "masterKeyFile", Kind: Text, check: checkPath, Example: "/etc/threatconnect-envsvr/masterkey",
		Help: "file that contains the keychain's master password, for hosts on which nobody can type it"},
	{Name: "metricsFile", Kind: Text, Live: true, check: checkMetricsFile, Example: "/var/lib/node_exporter/textfile_collector/tcenvsvr.prom",
		Help: "file that is written every 15 seconds for the textfile collector of Prometheus' node_exporter; empty writes none"},
	{Name: "updateMode", Kind: Text, Live: true, Default: "self", Choices: []string{"self", "notify", "package", "off"},
		Help: "what is done about a new release: self installs it and restarts, notify waits for \"tcenvsvr update apply\", package leaves it to the package manager, off does not ask"},
	{Name: "updateRateKilobytes", Kind: Number, Live: true, Default: "0", Min: 0, Max: 1_000_000,
		Help: "how many kilobytes a second downloads of releases may take; 0 is no limit"},
	{Name: "updateWindow", Kind: Text, Live: true, check: checkWindow, Example: "sat,sun 01:00-05:00",
		Help: "when a new release may be installed, in local time; empty is always"},
}

// Lookup finds a setting by name, in any case.
func Lookup(name string) (Setting, bool) {
	for _, s := range All {
		if strings.EqualFold(s.Name, name) {
			return s, true
		}
	}
	return Setting{}, false
}
