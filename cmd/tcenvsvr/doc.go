// Made from the commands; UPDATE=1 go test ./cmd/tcenvsvr -run Reference renews it.

// Tcenvsvr is the ThreatConnect Environment Server: the service, its command
// line and the shim of its jobs.
//
//	tcenvsvr
//
//	Tcenvsvr is the ThreatConnect Environment Server: it connects outbound to a
//	Dedicated Cloud, runs Apps in a sandbox as it orders, and returns their results.
//
// # app
//
// Make, check and run Apps without a cloud.
//
//	tcenvsvr app
//
//	App is for developers of Apps. They need no cloud, no server and no root.
//
//	  tcenvsvr app new hello
//	  tcenvsvr app check hello.tcx
//	  tcenvsvr app run hello.tcx --param who=you --no-sandbox
//
// # app check
//
// Say all that is wrong with an App's package.
//
//	tcenvsvr app check APP.tcx [flags]
//
//	Check reads the package and says all that is wrong with it at once, by the lines of its
//	install.json. Nothing of it is run. What is only odd is a warning: the App can run with it.
//	Exit code 0 says that every Environment Server takes the package, 1 that something is wrong.
//
//	  tcenvsvr app check my_app.tcx
//	  tcenvsvr app check my_app.tcx --json
//
// # app new
//
// Make the folder of a small App that works.
//
//	tcenvsvr app new NAME [flags]
//
//	New makes the folder NAME with the smallest App that shows all there is to one: install.json,
//	which says what it is and which parameters it takes, and its program. It is a job in Python,
//	or what --java and --playbook say. How to make the package of it, to check and to run it is
//	printed.
//
//	  tcenvsvr app new hello
//	  tcenvsvr app new hello --java --playbook
//
// # app run
//
// Run an App here exactly as an order would.
//
//	tcenvsvr app run APP.tcx [flags]
//
//	Run unpacks the App, gives it the parameters, a key-value store and an API as an
//	order would, shows what it prints, and says how it ended: exit code 0 if it succeeded, 1
//	otherwise. No cloud and no enrollment are needed; sandbox user, interpreters and proxies
//	come from the settings of --home if there are any.
//
//	It runs as the sandbox user, so the caller must be allowed to become that user: the agent's
//	user and root are. On a machine without a sandbox --no-sandbox runs it as yourself.
//	The first line, on stderr, says as whom it runs. It ends with this command, however that ends.
//
//	The App of a service runs until Ctrl-C, which shuts it down as the cloud would. Parameters that
//	install.json does not call serviceConfig configure one trigger, what it fires is printed, and a
//	curl that configures another one, by a socket for you alone. An API or a webhook has an HTTP
//	entry on this host, which every user of the host can reach; a curl for it is printed.
//
//	With --platform, what the App asks of ThreatConnect is passed on to that instance by this
//	command, with credentials that the App does not see: TC_API_ACCESS_ID and TC_API_SECRET_KEY,
//	or TC_TOKEN, from --platform-credentials or the environment. The requests are listed at the
//	end. Private CAs of the home count, and its proxy where proxyTC is true. An App without a
//	sandbox may read whatever you may, your environment too.
//
//	With --job-state an Organization App finds what its last run that succeeded left in
//	results.tc (last_run, say) as its parameters, as in a Job of a cloud, where it also wins
//	over what is given. The file is made by the first run, in a folder where whoever runs the
//	App can write; remove it to begin anew.
//
//	What is on the command line is visible to other users of this host in the list of processes;
//	NAME=@FILE, --param-file and --kv-file keep values out of it.
//
//	  tcenvsvr app run my_app.tcx --param indicator=1.2.3.4 --no-sandbox
//	  tcenvsvr app run my_app.tcx --param-file params.json --kv '#App:1:in!String=hello' --out /tmp/result
//	  tcenvsvr app run my_feed.tcx --platform https://company.threatconnect.com --platform-credentials FILE
//	  tcenvsvr app run my_app.tcx --param 'password=&{TC:KEYCHAIN:9f1c}' --variable TC/9f1c=@password.txt
//	  tcenvsvr app run my_trigger.tcx --param interval=5 --no-sandbox
//	  tcenvsvr app run my_feed.tcx --param-file params.json --job-state my_feed.json --no-sandbox
//
// # certs
//
// Private CAs that Apps and the agent trust.
//
//	tcenvsvr certs
//
//	Certs are the CAs that Apps and the agent trust: the host's, the JDK's, certifi's, and
//	private ones, which are added here or lie as files in /etc/threatconnect-envsvr/certs.d
//	or HOME/certs.d. A change counts for the next job and the next connection; nothing needs a
//	restart, and neither the JDK nor Python is edited.
//
//	  tcenvsvr certs add fullchain.pem
//	  tcenvsvr certs check siem.corp.example:443
//
// # certs add
//
// Trust the CAs in files.
//
//	tcenvsvr certs add FILE…
//
//	Add adds the CAs in files of PEM (in any order), DER or PKCS#7 (.p7b), and says of every
//	certificate whether it was added: that of a server is left out, with the reason, unless
//	it is self-signed. If one of the files has nothing that can be trusted, or holds a
//	private key, nothing is added.
//
//	  tcenvsvr certs add corp-root.pem
//	  tcenvsvr certs add fullchain.pem partner.p7b
//
// # certs build
//
// Make the trust stores now.
//
//	tcenvsvr certs build
//
//	Build makes the trust stores from all sources now and prints where they are. The agent does
//	the same when a source changes and at every job's start; stores that somebody has
//	damaged are repaired.
//
//	  tcenvsvr certs build
//
// # certs check
//
// Which CA vouches for a server, or what is missing.
//
//	tcenvsvr certs check HOST:PORT|URL [flags]
//
//	Check connects to a server with TLS as an App would and says which CA vouches for it, or exactly
//	what is missing: exit code 0 if it is trusted, 1 if not. It goes through the proxy when
//	proxyTC says so, or as --proxy says. Nothing but the handshake is fetched. The port is 443
//	unless given.
//
//	  tcenvsvr certs check siem.corp.example
//	  tcenvsvr certs check https://siem.corp.example:8443/api
//	  tcenvsvr certs check --proxy=false broker.example.com:62000
//
// # certs export
//
// Write the trust stores into a folder.
//
//	tcenvsvr certs export DIR
//
//	Export writes ca-bundle.pem, cacerts.jks and cacerts.p12 with all trusted CAs into a folder, for
//	programs that Apps have nothing to do with. They do not follow later changes.
//
//	  tcenvsvr certs export /opt/certs
//
// # certs list
//
// Show the private CAs, and what is wrong with files.
//
//	tcenvsvr certs list [flags]
//
//	List shows the private CAs with their issuer, fingerprint, end and origin, warns of those that
//	end within 30 days, and names what is not trusted and why: expired or distrusted CAs,
//	files that cannot be read. With --all it shows the public ones, too.
//
//	  tcenvsvr certs list
//	  tcenvsvr certs list --all --json
//
// # certs python-wrapper
//
// Make a Python outside of Apps trust the same CAs.
//
//	tcenvsvr certs python-wrapper PYTHON [flags]
//
//	Python-wrapper does what the guide does by hand: it renames a Python to tcpython and puts a
//	script in its place that points requests, ssl, pip and others to our bundle, which keeps
//	following changes. Apps do not need it. --undo puts the Python back.
//
//	  tcenvsvr certs python-wrapper /opt/python3.11/bin/python
//	  tcenvsvr certs python-wrapper /usr/bin/python3.11 --at /usr/local/bin/tcpython
//	  tcenvsvr certs python-wrapper /opt/python3.11/bin/python --undo
//
// # certs remove
//
// Stop trusting a private CA.
//
//	tcenvsvr certs remove FINGERPRINT
//
//	Remove takes away a CA that was added, by its fingerprint or the first 8 or more digits of it. It
//	counts for the next job; jobs that run keep what they were started with.
//
//	  tcenvsvr certs remove 3f9a01c2
//
// # certs show
//
// Print the trusted CAs as PEM.
//
//	tcenvsvr certs show [flags]
//
//	Show prints every CA that is trusted, in PEM, each under its subject.
//
//	  tcenvsvr certs show > ca-bundle.pem
//	  tcenvsvr certs show --private
//
// # certs system
//
// Add the private CAs to the host's own store.
//
//	tcenvsvr certs system [flags]
//
//	System gives the private CAs to update-ca-trust (RHEL) or update-ca-certificates (Debian, SUSE), so
//	that all programs of the host trust them. It needs root. Called again, it brings the host up to
//	date with what was added and removed here; --undo takes all of ours away.
//
//	  tcenvsvr certs system
//	  tcenvsvr certs system --undo
//
// # configure
//
// Change settings by a numbered menu.
//
//	tcenvsvr configure [flags]
//
//	Configure asks, one line at a time: 1: System Configuration, 2: Edit System Config,
//	then the number of a setting. New values are tried at once (is there a Java 17? does the proxy
//	answer?), secrets are not shown, and nothing is written before all changes were shown and
//	confirmed. End of input and Ctrl-C leave everything as it was.
//
//	With --set it asks nothing: the same checks, then the file is written. A secret
//	comes from a file or, as a name alone, from standard input. --force also saves what
//	keeps the agent from starting.
//
//	  tcenvsvr configure
//	  tcenvsvr configure --set appsJavaHome=/usr/lib/jvm/java-17-openjdk --set proxyPassword=@/root/password
//
// # doctor
//
// Look for what is wrong, and say what to do.
//
//	tcenvsvr doctor [flags]
//
//	Doctor checks what the Environment Server needs of this host and every step of the
//	way to the cloud: what was found, why it matters, what to do. It works before
//	enrollment and beside a running agent, disturbs neither, and succeeds if no check
//	failed. Root sees the most of the host; for the rest it becomes the agent's user.
//
//	--fix first does what harms nobody, and prints each change: files of secrets closed to
//	others, folders and trust stores; as root, what "host apply" does, for this host's
//	installation only and after a question that lists it (--yes: without).
//
//	  sudo tcenvsvr doctor
//	  sudo -u threatconnect tcenvsvr doctor --json
//	  sudo tcenvsvr doctor --fix
//	  sudo tcenvsvr doctor --fix --yes
//
// # enroll
//
// Connect this host to an Environment by its bundle.
//
//	tcenvsvr enroll [FILE|FOLDER|LINK|-] [flags]
//
//	Enroll makes this host a server of an Environment. It reads a bundle that was
//	downloaded from the Dedicated Cloud, the folder it was unpacked into, a one-time link
//	to one, a .env file alone (this server moves to another Environment), or "-" for
//	standard input; --keystore takes the certificate from a PKCS#12 file instead. It shows
//	what changes, asks, proves with the new identity that broker and API take this server,
//	and only then stores it: settings with their secrets sealed by the keychain, and the
//	keystore. What fails changes nothing. Settings of a newer cloud that this version does
//	not know are named and not used. Without an argument the bundle is asked for.
//	At the end the cloud is told the key to which parameters may be sealed, signed by the new
//	certificate; its fingerprint, which is printed, is for those who submit orders.
//
//	Settings given as flags are stored with those of the bundle and win over them: behind a
//	proxy give it here, or set it first ("tcenvsvr settings set").
//
//	A host without a keychain gets one; its master password is asked for twice, or taken
//	from --master-key-file, which becomes the setting masterKeyFile.
//
//	  tcenvsvr enroll threatconnect-envsvr-bundle.zip
//	  tcenvsvr enroll 'https://cloud.example/enroll/…#sha256=…'
//	  tcenvsvr enroll environment.env
//	  tcenvsvr enroll bundle.zip --proxyTC true --proxyHost proxy.example.com --proxyPort 3128
//	  tcenvsvr enroll bundle.zip --yes --master-key-file /etc/threatconnect-envsvr/masterkey
//
// # host
//
// What this host needs to run Apps as tc-job.
//
//	tcenvsvr host
//
//	Host sets this machine up to run Apps as a sandbox user, says how far it is from
//	that, and takes back what it did. The package does "host apply" by itself.
//
//	  users      threatconnect (the agent) and tc-job (Apps), where they do not exist
//	  programs   that the programs are whole, root's, and executable
//	  access     that both users can pass the folders above --home
//	  folders    owners, modes and ACLs below --home, /etc and /var/lib
//	  state      owner and mode of the agent's own files
//	  settings   appsSandboxUser is tc-job, where nobody set it
//	  sudoers    /etc/sudoers.d/threatconnect, active only once visudo accepts it
//	  sudo       the proof: threatconnect becomes tc-job
//	  su         a marked block in /etc/pam.d/su, if it is tried and changes su for no one else
//	  runtime    /run/threatconnect-envsvr, where the package's tmpfiles.d wants it
//	  fapolicyd  a rule for Apps, where fapolicyd has a rules.d
//	  labels     SELinux labels, where SELinux runs
//
//	  tcenvsvr host check
//	  sudo tcenvsvr host apply
//
// # host apply
//
// Set this host up; again does nothing.
//
//	tcenvsvr host apply [flags]
//
//	Apply makes this host one that can run Apps as tc-job and prints each change. What
//	is right already is left alone, and so is what an administrator wrote. A step that
//	fails does not keep the others from being done.
//
//	With --package (for scriptlets) every failure is a warning and the exit code is 0.
//
//	  tcenvsvr host apply --dry-run
//	  sudo tcenvsvr host apply
//
// # host check
//
// In which ways this host is not set up.
//
//	tcenvsvr host check [flags]
//
//	Check explains each way in which this host differs from what "host apply" would
//	make it, changes nothing, and fails if there is any. As root it sees everything,
//	and really becomes tc-job, by sudo and by su. A su that cannot be had is no failure.
//
//	  sudo tcenvsvr host check
//	  sudo tcenvsvr host check --json
//
// # host remove
//
// Take back what host apply did.
//
//	tcenvsvr host remove [flags]
//
//	Remove takes our block out of /etc/pam.d/su, which is then byte by byte what it
//	was, and removes our sudoers rule, fapolicyd rule and backup. Users and folders
//	stay: they may own files, or hold them. A sudoers file that was changed by hand is kept
//	under a name that sudo ignores.
//
//	With --package (for scriptlets) files of the package are left to it, every
//	failure is a warning and the exit code is 0.
//
//	  tcenvsvr host remove --dry-run
//	  sudo tcenvsvr host remove
//
// # host users
//
// Make the users alone, and fail without them.
//
//	tcenvsvr host users [flags]
//
//	Users makes the users and groups threatconnect and tc-job unless they exist, here or
//	in a directory such as LDAP, and fails if it cannot: files that belong to them can
//	only be laid down afterwards. It is the first step of host apply.
//
//	  sudo tcenvsvr host users
//
// # keychain
//
// The master password and what it protects.
//
//	tcenvsvr keychain
//
//	Keychain looks after the master password, which seals every secret in the
//	settings file. The service needs it at each start and takes it from the service
//	manager (after a restart), a systemd credential called masterkey, the file in
//	masterKeyFile, or systemd-ask-password. Without it the service is locked until
//	"keychain unlock".
//
//	  tcenvsvr keychain init
//	  tcenvsvr keychain status
//
// # keychain change-password
//
// Change the master password.
//
//	tcenvsvr keychain change-password [flags]
//
//	Change-password asks for the old master password, or takes it from where the
//	service does, and for the new one twice. The change is one rename: before it the
//	old password is in force, after it the new one. Sealed secrets stay as they are. With
//	--new-master-key-file the setting masterKeyFile follows.
//
//	  tcenvsvr keychain change-password
//	  tcenvsvr keychain change-password --new-master-key-file /etc/threatconnect-envsvr/masterkey-2
//
// # keychain init
//
// Make the keychain and choose its master password.
//
//	tcenvsvr keychain init [flags]
//
//	Init makes the keychain and seals the secrets that stand in the settings file.
//	With --master-key-file the service takes the password from that file at each
//	start (it becomes the setting masterKeyFile); otherwise it is asked for twice.
//
//	--replace is for a lost password: it makes a new keychain and removes the secrets
//	that the old one sealed, which nobody can open any more.
//
//	  tcenvsvr keychain init
//	  tcenvsvr keychain init --master-key-file /etc/threatconnect-envsvr/masterkey
//
// # keychain rotate
//
// Replace the key to which parameters are sealed.
//
//	tcenvsvr keychain rotate [flags]
//
//	Rotate has the running service make a new sealing key, tell the cloud, and prints the new
//	fingerprint: give it to those who submit orders. The service does this by itself every 180
//	days. What was sealed to the key before opens for two months more.
//
//	--forget is for a key that became known: what was sealed to older keys, also what waits
//	in the cloud, opens nowhere any more and is refused with order.sealed. The passwords that
//	were sealed to it are to be changed, too.
//
//	  tcenvsvr keychain rotate
//	  tcenvsvr keychain rotate --forget
//
// # keychain status
//
// Show what is sealed and whether the service is locked.
//
//	tcenvsvr keychain status [flags]
//
//	Status shows the keychain, whether the running service has its master password,
//	which settings are sealed, and what is to be done again if the password is lost. While the
//	service runs it shows the fingerprint of the key to which parameters are sealed: give it
//	to those who submit orders, who compare it with what the cloud tells them.
//
//	  tcenvsvr keychain status
//	  tcenvsvr keychain status --json
//
// # keychain unlock
//
// Give a locked service its master password.
//
//	tcenvsvr keychain unlock [flags]
//
//	Unlock gives the master password to the running service, which keeps it in
//	memory, and in the service manager's descriptor store over restarts.
//
//	  tcenvsvr keychain unlock
//	  tcenvsvr keychain unlock --master-key-file /root/masterkey
//
// # launch
//
// Run the Environment Server so that it can update itself.
//
//	tcenvsvr launch [flags]
//
//	Launch runs "tcenvsvr run" with the same flags and signals, and starts it again after
//	an update or a crash: in its new version, and in the one before if that does not work.
//	It is for hosts without the package, whose service does the same. Updates must be
//	signed by the root.json beside this program; without one there are none.
//
//	  tcenvsvr launch
//	  tcenvsvr --home /srv/envsvr launch --logLevel debug
//
// # log
//
// The log of the running Environment Server.
//
//	tcenvsvr log
//
//	Log is about what the running agent writes: under systemd to the journal
//	("journalctl -u threatconnect-envsvr"), as another service to .tcenvsvr/logs/tcenvsvr.log, in a
//	container or "tcenvsvr run >log 2>&1" to standard error. Acts that matter for security are in
//	.tcenvsvr/logs/audit.jsonl in all cases.
//
//	  tcenvsvr log level
//	  sudo tcenvsvr log level debug
//
// # log level
//
// Show or change how much the running agent logs.
//
//	tcenvsvr log level [debug|info|warn|error]
//
//	Level changes how much is logged from now on, until the agent ends; what it logs
//	after its next start is the setting logLevel.
//
//	  tcenvsvr log level
//	  sudo tcenvsvr log level debug
//
// # man
//
// Write the manual pages into a folder.
//
//	tcenvsvr man DIR
//
//	Man writes one manual page for each command and each help topic into DIR.
//
//	  tcenvsvr man /usr/share/man/man1
//
// # policy
//
// What this host allows, whatever the cloud says.
//
//	tcenvsvr policy
//
//	Policy is the file /etc/threatconnect-envsvr/policy.yaml, which root alone can write: which Apps
//	may run here, by name, version, SHA-256 or who signed them, for how long, and whether
//	orders must be signed. The agent asks it before every order; a change counts at once. A
//	policy that cannot be read, or that somebody else can write, denies everything. Without
//	a file everything is allowed. The first rule that matches decides; none: denied.
//
//	  version: 1
//	  publishers:
//	    acme:
//	      - key: RWSFolMZ1KR8sAoVG4wQm2yMEJNrs5HF1Cbbat3kTsLhI5CQpKOKF3Gj
//	  rules:
//	    - allow: our own Apps
//	      apps: [ACME_*]
//	      publishers: acme
//	      max-timeout: 30m
//
//	  tcenvsvr policy show
//	  tcenvsvr policy check my_app.tcx --policy draft.yaml
//	  tcenvsvr policy test --app TCPB_-_Ping --version 1.0.2
//
// # policy check
//
// Say whether this App may run here, and by which rule.
//
//	tcenvsvr policy check APP.tcx [flags]
//
//	Check reads the package, and APP.tcx.minisig beside it if there is one, and says which rule
//	applies to it. What the policy asks of orders it takes as given, and names it.
//	Exit code 0 says that the App may run, 11 that it may not.
//
//	  tcenvsvr policy check my_app.tcx
//	  tcenvsvr policy check my_app.tcx --policy draft.yaml --json
//
// # policy show
//
// Print the policy in force, and where it trusts much.
//
//	tcenvsvr policy show [flags]
//
//	Show prints the policy with every default written out, and on stderr what its author may
//	not have meant: rules that are never reached, rules that go by the cloud's word alone.
//
//	  tcenvsvr policy show
//	  tcenvsvr policy show --json
//	  tcenvsvr policy show --policy draft.yaml
//
// # policy test
//
// Say what the policy would decide about an order.
//
//	tcenvsvr policy test --app NAME [flags]
//
//	Test says what the policy decides about an order that is described by flags, and why each
//	rule before the one that decides does not match. What is left out is not there: the order
//	is not signed, its package neither. Exit code 0 says that it may run, 11 that it may not.
//
//	  tcenvsvr policy test --app TCPB_-_Ping --version 1.0.2 --publisher acme
//	  tcenvsvr policy test --app TCPB_-_Ping --signer soc --sealed --timeout 2h --json
//
// # run
//
// Run the Environment Server in this terminal.
//
//	tcenvsvr run [flags]
//
//	Run starts the agent in the foreground; the service does the same. The first
//	INT or TERM takes no new orders and lets jobs finish for up to drainSeconds, a second one
//	stops at once. Jobs still running then go on, and the next agent finds them. HUP reads the
//	settings again.
//
//	It logs to the journal or to standard error, and on a terminal also to
//	.tcenvsvr/logs/tcenvsvr.log; only to that file where standard error is closed or /dev/null.
//
//	  tcenvsvr run
//	  tcenvsvr run --logLevel debug --queueTransport websocket
//
// # service
//
// The Environment Server as a service of this host.
//
//	tcenvsvr service
//
//	Service talks to the service manager of this host: systemd, SysV, OpenRC, launchd or
//	that of Windows. The package installs the service by itself; "service install" is for
//	hosts without it.
//
//	  sudo tcenvsvr service install
//	  sudo tcenvsvr service restart
//	  tcenvsvr service status
//
// # service install
//
// Have this host start the Environment Server.
//
//	tcenvsvr service install [flags]
//
//	Install writes a unit or a script for this host's service manager, with --home as
//	TCENVSVR_HOME and --user as the agent's user, and enables it. It does not start it.
//
//	  sudo tcenvsvr service install
//	  sudo tcenvsvr --home /srv/envsvr service install --user envsvr --print
//
// # service restart
//
// Stop the service and start it; jobs go on.
//
//	tcenvsvr service restart
//
//	Restart asks the service manager to stop the service and start it; jobs go on.
//
//	  sudo tcenvsvr service restart
//
// # service start
//
// Start the service.
//
//	tcenvsvr service start
//
//	Start asks the service manager to start the service.
//
//	  sudo tcenvsvr service start
//
// # service status
//
// Whether the service is installed and runs.
//
//	tcenvsvr service status [flags]
//
//	Status asks the service manager; "tcenvsvr status" asks the agent itself.
//
//	  tcenvsvr service status
//	  tcenvsvr service status --json
//
// # service stop
//
// Let jobs finish for up to drainSeconds, then stop.
//
//	tcenvsvr service stop
//
//	Stop asks the service manager to let jobs finish for up to drainSeconds, then stop.
//
//	  sudo tcenvsvr service stop
//
// # service uninstall
//
// Stop the service and remove it.
//
//	tcenvsvr service uninstall
//
//	Uninstall asks the service manager to stop the service and remove it.
//
//	  sudo tcenvsvr service uninstall
//
// # settings
//
// Show and change settings.
//
//	tcenvsvr settings
//
//	Settings come from defaults, the file settings.yaml, the environment (TCENVSVR_ and
//	the name in capitals) and flags; the later wins. An empty value in the file or the
//	environment sets nothing; an empty flag (--proxyHost=) sets the default.
//	"tcenvsvr help settings.yaml" lists all of them.
//
//	  tcenvsvr settings show --origin
//	  tcenvsvr settings set proxyHost=proxy.example.com proxyPort=3128 proxyTC=true proxyUsername=me
//	  tcenvsvr settings set proxyPassword
//
// # settings check
//
// Say whether the settings are right.
//
//	tcenvsvr settings check [flags]
//
//	Check reads the settings as the agent does at its start and says everything that
//	is wrong with them: unknown names, values that are not allowed, and settings that do not fit
//	together. Whether what they name can be reached is the business of "tcenvsvr doctor".
//
//	  tcenvsvr settings check
//
// # settings explain
//
// Say all there is to know about a setting.
//
//	tcenvsvr settings explain KEY [flags]
//
//	Explain tells what a setting does, which values it allows, what it is now and
//	where that comes from, and when a change takes effect.
//
//	  tcenvsvr settings explain queueTransport
//
// # settings get
//
// Print the value of a setting.
//
//	tcenvsvr settings get KEY
//
//	Get prints the value that counts, and an empty line where there is none. A
//	secret is never printed, only that there is one.
//
//	  tcenvsvr settings get brokerHost
//
// # settings set
//
// Change settings in the file.
//
//	tcenvsvr settings set NAME VALUE | NAME=VALUE… [flags]
//
//	Set checks the new values, writes all of them or none, and has a running agent read them.
//	It says which ones take effect at once and which after a restart. NAME= empties a
//	setting, so that its default counts again. Values with which the agent would not start
//	are refused; --force writes them.
//
//	Every user of this host can read command lines, so a secret cannot stand there. NAME alone
//	asks for the value, without echo for a secret, or takes it from standard input;
//	NAME=@FILE reads it from a file.
//
//	  tcenvsvr settings set proxyPort 3128
//	  tcenvsvr settings set proxyHost=proxy.example.com proxyPort=3128 proxyTC=true
//	  tcenvsvr settings set proxyPassword
//	  tcenvsvr settings set brokerToken=@/root/token
//	  tcenvsvr settings set proxyPassword < /root/password
//
// # settings show
//
// Show all settings.
//
//	tcenvsvr settings show [flags]
//
//	Show prints every setting with its value. Of secrets it only says whether they
//	are set, and whether the keychain sealed them.
//
//	  tcenvsvr settings show
//	  tcenvsvr settings show --origin
//	  tcenvsvr settings show --json
//
// # settings unset
//
// Remove settings from the file.
//
//	tcenvsvr settings unset NAME… [flags]
//
//	Unset removes settings from the file, so that their defaults count again. It is
//	refused where the agent would not start without them; --force does it.
//
//	  tcenvsvr settings unset proxyHost proxyPort proxyTC
//
// # setup
//
// The Python and Java that Apps run with.
//
//	tcenvsvr setup
//
//	Setup finds or installs what Apps run with, proves that it runs, and writes it
//	into the settings.
//
//	  sudo tcenvsvr setup python
//	  sudo tcenvsvr setup java
//
// # setup java
//
// Find or install Java 17 for Apps.
//
//	tcenvsvr setup java [flags]
//
//	Java finds Java 17 on this host, proves that it runs, and sets appsJavaHome. With
//	--from it takes a folder, or unpacks a .tar.gz below HOME/java without any network.
//	The guide's JAVA_HOME in .bashrc is not needed: a service reads no .bashrc.
//
//	  sudo tcenvsvr setup java
//	  sudo tcenvsvr setup java --from jdk-17_linux-x64_bin.tar.gz
//
// # setup python
//
// Find or install Python 3.11 for Apps.
//
//	tcenvsvr setup python [flags]
//
//	Python finds Python 3.11 on this host, proves that it runs and speaks TLS, and
//	sets appsPythonHome311. With --from it takes a folder, or unpacks a .tar.gz below
//	HOME/python without any network; with --wheels it installs all wheels of a folder
//	by pip, offline. What it installs or is given can be read by every user, as Apps need.
//
//	  sudo tcenvsvr setup python
//	  sudo tcenvsvr setup python --from cpython-3.11-linux.tar.gz --wheels ./wheels
//
// # status
//
// Show the connection and the orders in flight.
//
//	tcenvsvr status [flags]
//
//	Status reports what the running agent does: its connection, with the step that
//	failed and why, and its orders. In JSON durations are in milliseconds; where there is no
//	answer, it is an object with the field "error".
//
//	  tcenvsvr status
//	  tcenvsvr status --json
//
// # support-bundle
//
// Write an archive for support, without secrets.
//
//	tcenvsvr support-bundle [flags]
//
//	Support-bundle writes versions, the doctor's report, status, settings, logs and a
//	listing of files into one .tar.gz that only you may read. Secrets, keystore, journal
//	and the inputs of Apps are not in it; look through it before you send it on.
//
//	  sudo tcenvsvr support-bundle
//	  sudo tcenvsvr support-bundle -o /tmp/envsvr.tar.gz
//
// # unenroll
//
// End this host's membership of its Environment.
//
//	tcenvsvr unenroll [flags]
//
//	Unenroll tells the cloud that this server will not come back, and removes its
//	identity and every secret: certificate, tokens, proxy password and keychain. Logs,
//	Apps and the other settings stay. On a clone of a host that is connected only the clone
//	gives the identity up; its original goes on. The service must be stopped. Where the cloud cannot be
//	reached, or the master password is lost, the host is cleared all the same, and the server
//	is to be revoked in the cloud.
//
//	  tcenvsvr unenroll
//	  tcenvsvr unenroll --yes
//
// # update
//
// New versions: show, install, go back.
//
//	tcenvsvr update
//
//	Update is about new versions of the Environment Server. By itself the agent installs
//	what the cloud wants and a maintainer signed, keeps the version before, and goes back to
//	it when the new one does not work; settings updateMode and updateWindow say whether
//	and when.
//
//	  tcenvsvr update status
//	  sudo tcenvsvr update apply
//
// # update apply
//
// Install the wanted release now.
//
//	tcenvsvr update apply
//
//	Apply has the running agent install the wanted release at once, also outside of
//	updateWindow and with updateMode notify. Jobs go on while the agent restarts.
//
//	  sudo tcenvsvr update apply
//
// # update check
//
// Ask the cloud now which release is wanted.
//
//	tcenvsvr update check
//
//	Check has the running agent ask the cloud which release this server should run.
//	With updateMode self that goes on to install it, in its window; otherwise exit code 10
//	says that there is one.
//
//	  sudo tcenvsvr update check
//
// # update import
//
// Install a release from a file, without the cloud.
//
//	tcenvsvr update import FILE
//
//	Import verifies an offline bundle ("tcrelease update-repo bundle") exactly like a download
//	and asks for its newest release for this host to be installed, then prints what became of
//	that. What this host would not install, such as an older release, is refused at once. Run it as
//	the agent's user.
//
//	  sudo -u threatconnect tcenvsvr update import update-1.4.2.zip
//
// # update pin
//
// Want this version and no other.
//
//	tcenvsvr update pin VERSION
//
//	Pin makes this host want one version, older or newer than the one that runs, whatever
//	the cloud says. "none" ends that.
//
//	  sudo tcenvsvr update pin 1.4.1
//	  sudo tcenvsvr update pin none
//
// # update resume
//
// End a hold, and try again what failed here.
//
//	tcenvsvr update resume
//
//	Resume ends a hold, such as the one after a downgrade by the package manager, and
//	forgets which releases failed on this host, so that they are tried again.
//
//	  sudo tcenvsvr update resume
//
// # update rollback
//
// Go back to what ran before.
//
//	tcenvsvr update rollback
//
//	Rollback chooses the previous version, marks the present one as bad on this host, so
//	that it is not installed again by itself, and restarts the service. Jobs go on.
//
//	  sudo tcenvsvr update rollback
//
// # update status
//
// Show versions, and how an update stands.
//
//	tcenvsvr update status [flags]
//
//	Status shows which versions are on this host, which one runs, which one is wanted,
//	and what keeps it from being installed.
//
//	  tcenvsvr update status
//	  tcenvsvr update status --json
//
// # verify
//
// Say whether the cloud takes this server.
//
//	tcenvsvr verify [flags]
//
//	Verify asks broker and API of the cloud whether they take this server with the identity
//	that it has, as enroll does, and changes nothing. The service may run or not. It needs the
//	master password where that is not in a file.
//
//	Exit code 0 says that they do, 6 that this host is not enrolled, 12 that the cloud answered and
//	does not take it (revoked, renewed elsewhere, unknown), 1 that it could not be asked.
//
//	  tcenvsvr verify
//	  tcenvsvr verify --json --master-key-file /etc/threatconnect-envsvr/masterkey
//
// # version
//
// Print the version.
//
//	tcenvsvr version [flags]
//
//	Version prints which build of the program this is.
//
//	  tcenvsvr version
//	  tcenvsvr version --json
package main
