package doctor

// groups are the headings, in the order of the report.
var groups = []string{"agent", "settings", "host", "runtimes", "trust", "sandbox", "network"}

// hostTable are the checks of CheckHost. They get no target.
var hostTable = []check{
	{"host", "selinux", "it may forbid what file modes allow", selinux},
	{"host", "fips", "it decides which cryptography works", fips},
	{"host", "firewall", "outbound TCP 443 and 62000 must be allowed", firewall},
	{"host", "service", "it starts the agent after a reboot", serviceInstalled},
}

// table are the checks of Run. Those of the host's setup (package setup) follow them.
var table = []check{
	{"agent", "running", "only a running agent takes orders", running},
	{"agent", "connection", "orders come and results go by it", connection},
	{"agent", "one host", "two hosts with one identity would take each other's orders", oneHost},
	{"agent", "taking orders", "a host that cannot run Apps gives orders back and takes no others", fit},
	{"agent", "Apps", "a disk that damages Apps damages other files, too", damagedApps},
	{"agent", "outbox", "a result that waits is one that the cloud does not show", outbox},
	{"agent", "journal", "what is in it is neither lost nor done twice", journalHealth},

	{"settings", "file", "it holds secrets, and the agent must read it", settingsFile},
	{"settings", "values", "a value that is not allowed keeps the agent from starting", settingsValues},
	{"settings", "enrollment", "without it there is no cloud to work for", enrollment},
	{"settings", "keychain", "secrets are sealed by it", keychainState},
	{"settings", "policy", "without one, whoever controls the cloud can run any code here", customerPolicy},
	{"settings", "metrics file", "Prometheus knows of this host what is in it", metricsFile},
	{"settings", "client certificate", "the cloud knows this server by it", clientCertificate},

	{"host", "system", "RHEL 8 or 9 and their like are what Apps are built for", system},
	{"host", "cores", "each running App needs processor time: 4 cores are the least", cores},
	{"host", "memory", "each running App needs memory: 4 GB are the least", memory},
	{"host", "disk", "Apps and their folders need room: 10 GB are the least", disk},
	{"host", "noexec", "Apps are programs and run from there", noexec},

	{"runtimes", "java", "Java Apps need Java 17", java},
	{"runtimes", "python", "Python Apps need Python 3.11", python},
	{"runtimes", "python packages", "Apps import them from the interpreter", pythonPackages},

	{"trust", "CAs", "connections of the agent and of Apps are checked against them", trusted},
	{"trust", "stores", "a JVM that cannot read its trust store says nothing and trusts others", storesReadable},

	{"sandbox", "runner", "Apps become the sandbox user by it", runner},
	{"sandbox", "isolation", "Apps of one user could read and stop each other", isolated},
	{"sandbox", "limits", "an App that takes all memory takes it from all others", limited},

	{"network", "proxy", "the cloud is reached through that of the settings, or directly", proxyInUse},
	{"network", "DNS", "names of the cloud must be found", dns},
	{"network", "broker TCP", "orders come by TCP 62000", brokerTCP},
	{"network", "broker TLS", "who stands between can be seen by who issued the certificate", brokerTLS},
	{"network", "broker raw", "the transport while queueTransport is empty", brokerRaw},
	{"network", "broker websocket", "the transport where a proxy or firewall wants HTTP", brokerWebSocket},
	{"network", "API", "Apps are downloaded from it by HTTPS", apiReachable},
	{"network", "API TLS", "who stands between can be seen by who issued the certificate", apiTLS},
	{"network", "clock", "certificates and Apps' tokens are checked by it", clock},
}
