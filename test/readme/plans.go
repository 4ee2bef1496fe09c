package readme

// A Plan says what becomes of a command of a document in the test that runs it.
type Plan struct {
	Not   string            // why it is not run; "" = it is
	First string            // a line of shell that gives the reader's own things to it
	Built bool              // it builds the source, in its folder
	Exit  int               // the exit code that is right
	Says  string            // what the output must contain
	Typed map[string]string // what is typed on the terminal, by the end of the question; nil = there is no terminal
	Input string            // what is on standard input, where there is no terminal
}

// Plans has a row for each command of the documents that are run: those of OnServer by TestREADME of
// test/host, on a machine that has the package, those of OnDesk by TestREADMEsRun of package test.
var Plans = map[string]map[string]Plan{
	"README.md": {
		// In a checkout of the source.
		"go run ./cmd/tccloud demo --once":                                                {Not: "TestDemo in package test runs it, with programs that are built once"},
		"CGO_ENABLED=0 go build -o bin/ ./cmd/tcenvsvr ./cmd/tcenvsvr-shim ./cmd/tccloud": {Not: "TestREADMECommandsExist in package test builds the programs"},
		"go test ./agent/settings":                                                        {Not: "test/run runs it"},
		"test/run --quick":                                                                {Not: "it runs this test"},
		"test/run":                                                                        {Not: "it runs this test"},

		// On a server.
		"curl -o /etc/yum.repos.d/threatconnect-envsvr.repo https://packages.example.com/envsvr/threatconnect-envsvr.repo": {
			Not: "the machine has the file already, from a repository that exists"},
		"dnf install threatconnect-envsvr": {Typed: agree, Says: "Complete!"},
		"sudo -u threatconnect tcenvsvr enroll threatconnect-envsvr-bundle.zip": {Says: "enrolled as server", Typed: map[string]string{
			"[y/N] ": "y", "New master password: ": Password, "The same again: ": Password}},
		"systemctl enable --now threatconnect-envsvr":                           {},
		"sudo tcenvsvr keychain unlock":                                         unlock,
		"systemctl start threatconnect-envsvr && sudo tcenvsvr keychain unlock": unlock,
		"tcenvsvr status":                                 {Says: "connected"},
		"sudo tcenvsvr doctor":                            {},
		"tcenvsvr settings show --origin":                 {Says: "brokerHost"},
		"tcenvsvr settings set logLevel info":             {},
		"tcenvsvr certs add fullchain.pem":                {},
		"tcenvsvr certs list":                             {},
		"systemctl restart threatconnect-envsvr":          {},
		"systemctl stop threatconnect-envsvr":             {},
		"tcenvsvr app new hello":                          {Says: "made hello/run.py"},
		"python3 -m zipfile -c hello.tcx hello":           {},
		"tcenvsvr app check hello.tcx":                    {Says: `App "hello" 1.0.0 is right`},
		"sudo tcenvsvr app run hello.tcx --param who=you": {Says: "running as tc-job by sudo"},
		"tcenvsvr update status":                          {Says: "package"},
		"sudo tcenvsvr update check":                      {Exit: 10, Says: "is available"},
		"sudo tcenvsvr update apply":                      {},
		"sudo tcenvsvr update rollback":                   {},
		"sudo tcenvsvr update pin none":                   {},
		"sudo tcenvsvr update resume":                     {},
		"dnf upgrade threatconnect-envsvr":                {Typed: agree},
	},

	"agent/app/README.md": {
		"tcenvsvr app new hello":                                  {Says: "made hello/run.py"},
		"python3 -m zipfile -c hello.tcx hello":                   {},
		"tcenvsvr app check hello.tcx":                            {Says: `App "hello" 1.0.0 is right`},
		"tcenvsvr app run hello.tcx --param who=you --no-sandbox": {Says: "Hello, you!"},
		"sudo tcenvsvr app run my_app.tcx --param-file params.json --kv-file kv.json": {
			Not: "without a package there is no sandbox; README.md runs an App on a machine"},
		"tcenvsvr app run my_app.tcx --kv '#App:1:in!String=hello' --param 'password=&{TC:KEYCHAIN:9f1c}' --variable TC/9f1c=@pw.txt --out result --no-sandbox": {
			Says: "succeeded: exit code 0"},
		"tcenvsvr app run my_feed.tcx --platform https://company.threatconnect.com --platform-credentials FILE --no-sandbox": {
			Not: "it needs an instance; app_run_platform.txtar has one"},
	},

	"agent/settings/README.md": {
		"tcenvsvr settings show --origin": {Says: "brokerHost"},
		"tcenvsvr settings set proxyHost=proxy.example.com proxyPort=3128 proxyTC=true proxyUsername=me": {Says: "proxyPort = 3128"},
		"tcenvsvr settings set logLevel debug":     {Says: "logLevel = debug"},
		"tcenvsvr settings set proxyPassword":      {Input: "a secret\n"},
		"tcenvsvr settings explain queueTransport": {Says: "websocket"},
		"tcenvsvr settings check":                  {Exit: 6, Says: "not enrolled"},
	},

	"certs/README.md": {
		"tcenvsvr certs add fullchain.pem partner.p7b": {Says: "CN=Readme CA"},
		"tcenvsvr certs list":                          {Says: "Readme CA"},
		"tcenvsvr certs check siem.corp.example:443":   {Exit: 1, Says: "siem.corp.example"},
		"tcenvsvr certs remove 3f9a01c2":               {Exit: 1, Says: "3f9a01c2"},
	},

	"agent/README.md": {
		"tcenvsvr settings set metricsFile=/var/lib/node_exporter/textfile_collector/tcenvsvr.prom":                                                         {Says: "takes effect at once"},
		"setfacl -m u:threatconnect:rwx /var/lib/node_exporter/textfile_collector":                                                                          {},
		"mkdir -p /etc/systemd/system/threatconnect-envsvr.service.d":                                                                                       {},
		`printf '[Service]\nReadWritePaths=-/var/lib/node_exporter/textfile_collector\n' > /etc/systemd/system/threatconnect-envsvr.service.d/metrics.conf`: {},
		"systemctl daemon-reload && systemctl restart threatconnect-envsvr":                                                                                 {},
	},

	"updater/README.md": {
		"tcenvsvr update status":                                        {Says: "package"},
		"sudo tcenvsvr update check":                                    {Exit: 10, Says: "is available"},
		"sudo tcenvsvr update apply":                                    {Says: "the agent restarts"},
		"sudo tcenvsvr update rollback":                                 {Says: "went back"},
		"sudo tcenvsvr update pin 1.4.1":                                {Says: "1.4.1"},
		"sudo tcenvsvr update resume":                                   {Says: "updates are taken again"},
		"sudo -u threatconnect tcenvsvr update import update-1.4.2.zip": {Says: "0.9.2"},
	},

	"packaging/README.md": {
		"curl -o /etc/yum.repos.d/threatconnect-envsvr.repo https://packages.example.com/envsvr/threatconnect-envsvr.repo": {
			Not: "the machine has the file already, from a repository that exists"},
		"dnf install threatconnect-envsvr": {Typed: agree, Says: "next, with the bundle that the cloud gives"},
		"sudo -u threatconnect tcenvsvr enroll threatconnect-envsvr-bundle.zip": {Says: "enrolled as server", Typed: map[string]string{
			"[y/N] ": "y", "New master password: ": Password, "The same again: ": Password}},
		"systemctl enable --now threatconnect-envsvr":   {},
		"sudo tcenvsvr keychain unlock":                 unlock,
		"rpm --import RPM-GPG-KEY-threatconnect-envsvr": {},
		"python3 -m zipfile -e threatconnect-envsvr-bundle.zip . && rpm -K threatconnect-envsvr/*.rpm && dnf install ./threatconnect-envsvr/*.rpm": {Typed: agree, Says: "digests signatures OK"},
		"gpg --import RPM-GPG-KEY-threatconnect-envsvr":                                                        {},
		"gpg --verify SHA256SUMS.asc SHA256SUMS && sha256sum -c --ignore-missing SHA256SUMS":                   {Says: ".rpm: OK"},
		"sudo tcenvsvr service install":                                                                        {Says: "installed"},
		"sudo tcenvsvr service start":                                                                          {},
		"systemctl enable --now tc-job.socket":                                                                 {},
		"mkdir -p /etc/systemd/system/threatconnect-envsvr.service.d":                                          {},
		"cp /usr/share/threatconnect-envsvr/hardened.conf /etc/systemd/system/threatconnect-envsvr.service.d/": {},
		"systemctl daemon-reload && systemctl restart threatconnect-envsvr":                                    {},
		"tcenvsvr settings set appsRunner socket":                                                              {Says: "appsRunner = socket"},
	},

	"agent/enroll/README.md": {
		"tcenvsvr enroll bundle.zip":                                                               again,
		"tcenvsvr enroll 'https://cloud…/enroll/…#sha256=…'":                                       {Not: "a link is good once, and every one is another: TestEnrollment in package test takes one"},
		"tcenvsvr enroll environment.env":                                                          again,
		"tcenvsvr enroll bundle.zip --yes --master-key-file FILE":                                  {Says: "enrolled as server"},
		"tcenvsvr enroll bundle.zip --proxyTC true --proxyHost proxy.example.com --proxyPort 3128": {Exit: 1, Says: "proxy.example.com", Typed: again.Typed},
		"systemctl stop threatconnect-envsvr && tcenvsvr unenroll":                                 {Says: "unenrolled", Typed: again.Typed},
	},

	"cmd/tccloud/README.md": {
		"go build -o /usr/local/bin/ ./cmd/tccloud ./cmd/tcenvsvr ./cmd/tcenvsvr-shim":                                  {Built: true},
		"export TCCLOUD_DATA=/var/lib/tccloud":                                                                          {},
		"tccloud serve --name cloud.example.com &":                                                                      {},
		"tccloud env create lab":                                                                                        {Says: "name                lab"},
		"tccloud bundle lab --name server-1 -o threatconnect-envsvr-bundle.zip":                                         {Says: "threatconnect-envsvr-bundle.zip"},
		"tcenvsvr app new hello && python3 -m zipfile -c hello.tcx hello":                                               {},
		"tccloud app add hello.tcx":                                                                                     {Says: "hello"},
		"tccloud run lab hello --param who=you --detach":                                                                {},
		"tccloud execution list":                                                                                        {Says: "queued"},
		`tccloud job create alerts lab hello --schedule "every 15m" --param-file params.json`:                           {Says: "alerts"},
		`tccloud job create nightly lab hello --schedule "30 2 * * *" --zone Europe/Berlin --retries 3 --param who=you`: {Says: "nightly"},
		"tccloud job list":                      {Says: "nightly"},
		"tccloud job run alerts --detach":       {},
		"tccloud job history alerts":            {Says: "OUTCOME"},
		"tccloud job edit alerts --left who=me": {},
		"tccloud job pause alerts":              {},

		// A package of the operator's own, and an instance of ThreatConnect.
		"tccloud job create siem lab Siem --param-file p.json --seal=password,url --package Siem.tcx --pin sha256:…": {Not: "TestSealedJob in package test seals to a server"},
		"tccloud job edit siem --param-file p.json --seal=password,url --package Siem.tcx --pin sha256:…":            {Not: "TestSealedJob in package test seals to a server"},
		"tccloud app metrics hello lab":                          {Says: "METRIC"},
		"tccloud execution artifact list ID --errors":            {Not: "TestFeedArtifacts in package test has an execution with artifacts"},
		"tccloud execution artifact download ID -o /tmp/batches": {Not: "TestFeedArtifacts in package test has an execution with artifacts"},
		"tccloud execution requests ID":                          {Not: "TestFeedPlatform in package test has an instance"},
		"tccloud execution artifact post ID --platform https://company.threatconnect.com --platform-credentials FILE":     {Not: "platform.txtar has an instance"},
		"tccloud serve --name cloud.example.com --platform https://company.threatconnect.com --platform-credentials FILE": {Not: "TestFeedPlatform in package test has an instance"},

		"tccloud service create lookup lab Lookup_API --param-file params.json": {First: "tccloud app add lookup.tcx && tccloud app add lookup_2.tcx && tccloud app add watcher.tcx && tccloud app add enrich.tcx", Says: "lookup"},
		"tccloud service list":                                              {Says: "lookup"},
		"tccloud user create ada --role operator":                           {Says: "one-time link"},
		"tccloud user create bob --role administrator --password-file FILE": {Says: "bob"},
		`tccloud serve --name cloud.example.com --oidc-issuer https://sso.example.com/realms/staff --oidc-client-id tccloud --oidc-client-secret-file FILE --oidc-role "cloud admins=administrator"`: {Not: "TestConsolePeople in package test has a provider"},
		"tccloud user create joe --role viewer --email joe@example.com":                                      {Says: "joe@example.com"},
		"tccloud user create eve --role viewer --issuer https://sso.example.com/realms/staff --subject 4711": {Says: "single sign-on"},
		"tccloud user list": {Says: "ada"},
		"tccloud token create ci --role operator --environment lab --valid 720h -o ci.token": {Says: "ci.token"},
		"tccloud token create prometheus --role viewer --valid 8760h -o tccloud.token":       {Says: "tccloud.token"},
		"install -o prometheus -m 400 tccloud.token /etc/prometheus/tccloud.token":           {Not: "it needs Prometheus' user and folder; TestMetrics asks as it does"},
		"tccloud token list":                              {Says: "operator"},
		"tccloud audit":                                   {Says: "/api/admin/v1/environments"},
		"tccloud service logs lookup --follow":            {Not: "it goes on until somebody ends it; TestAPIService in package test reads logs"},
		"tccloud service create watcher lab Mail_Watcher": {Says: "watcher"},
		"tccloud trigger add watcher new-alert --param-file trigger.json --start Enrich_Alert": {Says: "new-alert"},
		"tccloud service events watcher":                     {},
		"tccloud service edit lookup --app Lookup_API@1.3.0": {Says: "1.3.0"},
		"tccloud service stop lookup":                        {},
	},

	"cmd/tccloud/internal/store/README.md": {
		"for n in 1 2 3; do tccloud node --data try/node-$n --listen 127.0.0.1:422$n --peers 127.0.0.1:6221,127.0.0.1:6222,127.0.0.1:6223 & done":                                                   {},
		"tccloud serve --data try/gateway-1 --cluster-secret-file try/cluster.secret --nats 127.0.0.1:4221,127.0.0.1:4222,127.0.0.1:4223 --broker-addr 127.0.0.1:62001 --api-addr 127.0.0.1:8441 &": {},
		"tccloud serve --data try/gateway-2 --cluster-secret-file try/cluster.secret --nats 127.0.0.1:4221,127.0.0.1:4222,127.0.0.1:4223 --broker-addr 127.0.0.1:62002 --api-addr 127.0.0.1:8442 &": {},
		"tccloud env create lab --data try/gateway-1":           {Says: "name                lab"},
		"tccloud bundle lab --data try/gateway-2 -o bundle.zip": {Says: "bundle.zip"},
		"tccloud status --data try/gateway-2":                   {Says: "on 3 copies"},
		"tccloud node --data /var/lib/tccloud-node --listen 0.0.0.0:4222 --peers a:6222,b:6222,c:6222 --user-file nats.user --cert node.pem --key node.key --ca ca.pem":                                {Not: moreMachines},
		"tccloud serve --data /var/lib/tccloud --name g1.example.com --nats tls://a:4222,tls://b:4222,tls://c:4222 --nats-user-file nats.user --nats-ca ca.pem --public-url https://cloud.example.com": {Not: moreMachines},
		"nats --server 127.0.0.1:4221 account backup --consumers --force backup":                                                                                                                       {Not: natsProgram},
		"nats --server 127.0.0.1:4221 account restore backup":                                                                                                                                          {Not: natsProgram},
	},

	"cmd/tcrelease/README.md": {
		"go build -o /usr/local/bin/ ./cmd/tcrelease":                                                               {Built: true},
		"export TCRELEASE_PASSPHRASE=…":                                                                             {},
		"tcrelease key new -o release.key":                                                                          {},
		"tcrelease package --key release.key --out dist":                                                            {Not: allPackages},
		"tcrelease repo --key release.key --url https://packages.example.com/envsvr dist":                           {Not: allPackages},
		"tcrelease verify --key RPM-GPG-KEY-threatconnect-envsvr dist":                                              {Not: allPackages},
		"tcrelease update-repo init repo --keys keys":                                                               {Says: "2 of 3 keys"},
		"tcrelease package --key release.key --root repo/metadata/1.root.json":                                      {Not: allPackages},
		"tcrelease update-repo add repo tcenvsvr --version 1.4.2 --os linux --arch amd64 --delta-from old/tcenvsvr": {Says: "0 of 2 signatures"},
		"tcrelease update-repo sign repo --key targets-1.pem":                                                       {First: "cp keys/*.pem .", Says: "1 of 2 signatures"},
		"tcrelease update-repo sign repo --key targets-3.pem":                                                       {Says: "not visible yet"},
		"tcrelease update-repo sign repo --key snapshot.pem --key timestamp.pem":                                    {},
		"tcrelease update-repo bundle repo -o update-1.4.2.zip 1.4.2":                                               {Says: "update-1.4.2.zip"},
		"tccloud release add update-1.4.2.zip":                                                                      {First: "export TCCLOUD_DATA=$PWD/cloud; tccloud serve --name localhost & true", Says: "1.4.2"},
		"tccloud release rollout 1.4.2 --percent 10":                                                                {Says: "10"},
	},

	"agent/link/README.md": {
		"tcenvsvr status":                                {Says: "connected"},
		"sudo tcenvsvr doctor":                           {Says: "cloud.example.com"},
		"tcenvsvr settings set queueTransport websocket": {Says: "queueTransport = websocket"},
	},

	"agent/host/README.md": {
		"sudo tcenvsvr host check":  {Says: "the host is set up"},
		"sudo tcenvsvr host apply":  {Says: "the host is set up"},
		"sudo tcenvsvr host remove": {},
	},

	"agent/secret/README.md": {
		"sudo tcenvsvr keychain unlock": unlock,
		"tcenvsvr keychain status":      {Says: "unlocked"},
		"sudo tcenvsvr keychain change-password": {Typed: map[string]string{
			"Master password: ": Password, "New master password: ": Password + " 2", "The same again: ": Password + " 2"}},
		"sudo tcenvsvr keychain init --replace": {Not: "it ends the server's membership; cmd/tcenvsvr/testdata/script/keychain.txtar runs it"},
	},
}

// OnServer are the documents that are run on machines, in this order: each list on one.
var OnServer = [][]string{
	{"README.md", "agent/link/README.md", "agent/secret/README.md", "agent/README.md", "updater/README.md", "agent/host/README.md"},
	{"packaging/README.md", "agent/enroll/README.md"},
}

// OnDesk are the documents that are run in a folder, without the package.
var OnDesk = []string{
	"agent/app/README.md", "agent/settings/README.md", "certs/README.md", "cmd/tccloud/README.md", "cmd/tccloud/internal/store/README.md", "cmd/tcrelease/README.md",
}

// Elsewhere are the documents whose commands no test types.
var Elsewhere = map[string]string{
	"test/README.md":       "they are the tests",
	"test/bench/README.md": "they are measurements",
}

// unlock gives the service the master password.
var unlock = Plan{Says: "the service is unlocked", Typed: map[string]string{"assword: ": Password}}

// again changes an enrollment.
var again = Plan{Says: "enrolled as server", Typed: map[string]string{"[y/N] ": "y", "Master password: ": Password}}

// moreMachines and natsProgram are why commands about a cluster are not run.
const (
	moreMachines = "it needs several machines; TestLogin of package node has nodes with a login and certificates"
	natsProgram  = "the NATS command line is no part of this project"
)

// allPackages is why packages for all systems are not made.
const allPackages = "it takes minutes; TestRelease in cmd/tcrelease makes, publishes and verifies packages, and test/host installs them"

// agree says yes to dnf.
var agree = map[string]string{"[y/N]: ": "y"}

// Password is a master password that somebody types.
const Password = "correct horse battery staple"
