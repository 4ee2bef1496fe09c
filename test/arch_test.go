package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "tcenvsvr"

// A rule says which packages of ours an area (a folder and all below it)
// may import besides its own and those below it, and why not more. The longest area that
// matches a package counts; a package that matches none is an error.
type rule struct {
	may []string // areas; "…" = anything below agent
	why string
}

var areas = map[string]rule{
	// The rooms of the agent, from the bottom up.
	"agent/disk":                {nil, "everything that writes state uses it"},
	"agent/logging/nearest":     {nil, "what a mistyped word was meant to be is said by every program"},
	"agent/logging/plain":       {nil, "what foreigners say is shown by every program; it takes nothing but the text"},
	"agent/link/wire":           {nil, "cloud, agent and tools share the protocol: it drags nothing along"},
	"agent/link/conn":           {[]string{"agent/link/wire"}, "bytes on a wire know no session"},
	"agent/link/proxy":          {[]string{"agent/logging/plain"}, "a dialer knows nothing of what is dialed"},
	"agent/link/directory":      {[]string{"agent/link/wire", "agent/disk"}, "it remembers addresses; who dials them and what they must prove is the link's"},
	"agent/link/pulse":          {nil, "a loop promises, a watchdog asks"},
	"agent/link":                {[]string{"agent/host/clock", "agent/logging/plain"}, "the connection neither runs nor remembers orders"},
	"agent/host/become":         {nil, "whoever may be root uses it before anything else"},
	"agent/host/clock":          {nil, "agent and cloud doubt a clock by the same rule"},
	"agent/host/fitness":        {nil, "a state and when it is looked at again; what is tried is passed in"},
	"agent/host/facts":          {[]string{"agent/disk"}, "facts only"},
	"agent/host/memory":         {nil, "agent and shim keep small by the same means"},
	"agent/host/layout":         {nil, "names and modes that package, setup and updater must agree about; it does nothing"},
	"agent/host/tool":           {nil, "it runs what the host has; what for is known elsewhere"},
	"agent/host/setup/hosttest": {[]string{"agent/host", "agent/settings", "test/need"}, "for tests"},
	"agent/host/pam":            {[]string{"agent/disk", "agent/host/layout", "agent/host/tool", "agent/host/setup/plan"}, "it edits one file, and knows nothing else of the setup"},
	"agent/host/sudoers":        {[]string{"agent/disk", "agent/host/layout", "agent/host/tool", "agent/host/setup/plan"}, "it writes one file, and knows nothing else of the setup"},
	"agent/host/paths":          {nil, "names, and the folders they name"},
	"agent/host/acl":            {nil, "lists on files; whose they are is known elsewhere"},
	"agent/host":                {[]string{"agent/disk", "agent/settings", "agent/logging/plain"}, "it sets a host up before there is an agent"},
	"agent/secret":              {[]string{"agent/disk"}, "secrets lie under names; whoever needs one says how it is read"},
	"agent/settings":            {[]string{"agent/disk", "agent/secret/privatefile", "agent/logging/nearest"}, "values arrive typed; whoever needs one gets it passed"},
	"agent/logging":             {nil, "a logger is passed in; acts are recorded by everybody, so the record knows nobody"},
	"agent/control":             {nil, "the command line must reach an agent of another version"},
	"agent/cloud":               {[]string{"agent/link/wire", "agent/logging/plain"}, "a client of the cloud's HTTPS API, no more"},
	"agent/enroll/bundle":       {[]string{"agent/disk"}, "what a bundle says is applied by the command line"},
	"agent/enroll/identity": {[]string{"agent/enroll/bundle", "agent/link/wire", "agent/disk", "agent/secret/privatefile", "agent/logging/audit"},
		"the link reaches it as a handler; it knows no settings"},
	"agent/link/signed": {[]string{"agent/link/wire", "agent/disk"},
		"operators' tools and the agent share it: orders and keys are passed in, and it knows neither policy nor journal"},
	"agent/secret/envelope": {[]string{"agent/link/wire", "agent/disk"},
		"submitters, cloud and agent share it: bytes in, bytes out; the path of a server's own keys and the keychain that seals them are passed in"},
	"agent/enroll":           {[]string{"agent/settings", "agent/link", "agent/cloud", "agent/logging/plain"}, "it is told what the host has and how the cloud is reached"},
	"agent/order/journal":    {[]string{"agent/link/wire", "agent/disk"}, "the journal remembers, it does not act"},
	"agent/job":              {[]string{"agent/disk", "agent/host/memory", "agent/logging/plain"}, "the shim runs processes and knows neither Apps nor clouds"},
	"agent/job/janitor":      {[]string{"agent/disk", "agent/job/internal/spec"}, "it knows folders and their names, not what ran in them"},
	"agent/app/api/leftover": {nil, "every HTTP server makes a refusal readable by the same rule"},
	"agent/app/api/upstream": {[]string{"agent/logging/plain"}, "it knows an instance and its credentials, and neither tokens nor executions of ours"},
	"agent/app/api":          {[]string{"agent/app/api/leftover"}, "cloud and agent answer Apps with the same handler"},
	"agent/app":              {[]string{"certs/keystore", "agent/app/signature", "agent/job", "agent/link/wire", "agent/disk", "agent/logging/plain", "agent/logging/nearest"}, "an App is run the same with and without a cloud"},
	"agent/app/signature":    {nil, "publishers, operators and agents sign and verify by the same rule"},
	"agent/app/policy":       {[]string{"agent/app/signature"}, "the customer's decision stands alone: it knows neither orders nor how Apps run"},
	"agent/order/guard": {[]string{"agent/app", "agent/app/policy", "agent/app/signature", "agent/cloud", "agent/link/signed", "agent/link/wire", "agent/logging/audit", "agent/secret/envelope"},
		"it allows or refuses orders by what the customer wrote and others signed; what becomes of them is the order's"},
	"agent/order": {[]string{"agent/order/guard", "agent/link/wire", "agent/order/journal", "agent/job", "agent/app", "agent/cloud", "agent/logging/audit", "agent/host/fitness", "agent/logging/plain"},
		"an order tells its agent three things and knows nothing else of it"},
	"agent": {[]string{"agent/order", "agent/order/guard", "agent/link/wire", "agent/link/pulse", "agent/order/journal", "agent/job", "agent/app", "agent/logging/audit", "agent/host/fitness", "agent/logging/plain"},
		"the link and the trust store reach the agent as small interfaces"},

	"certs": {[]string{"agent/disk", "agent/logging/plain"}, "trust is a leaf: agent, cloud and updater may need it"},
	// Both sides of self-update share releases and their metadata; what they hand to each other is
	// a folder of its own, and neither side imports the other. Root's side reads nothing that only
	// the agent's side understands, and the agent cannot act as root even by mistake.
	"updater":            {[]string{"agent/disk", "updater/handover", "updater/release", "updater/metadata", "updater/download"}, "the agent's side asks for updates; only root's side installs them"},
	"updater/handover":   {[]string{"agent/disk", "agent/host/layout"}, "the border of privileges: what one side writes and the other reads"},
	"updater/slot":       {[]string{"agent/disk", "updater/handover", "updater/release", "updater/metadata", "agent/logging/plain"}, "root's side has no network and believes nothing that the agent downloaded"},
	"updater/release":    {nil, "agent, root, cloud and tools agree about what a release is"},
	"updater/metadata":   {[]string{"agent/disk", "updater/release", "agent/logging/plain"}, "one verification for both sides"},
	"updater/delta":      {nil, "bytes in, bytes out"},
	"updater/download":   {[]string{"agent/disk", "updater/delta", "updater/metadata", "updater/release", "agent/logging/plain"}, "it fetches what it is told to; the agent's side decides"},
	"updater/repository": {[]string{"agent/disk", "updater/delta", "updater/metadata", "updater/release"}, "the maintainers' side: it knows no host"},
	"packaging":          {[]string{"agent/disk", "agent/host/layout", "agent/host/sudoers"}, "a description and what is made of it; it knows the programs as files"},
	"packaging/service":  {nil, "the agent's command line has these texts in it, and nothing else of packaging"},

	"cmd/internal":      {[]string{"agent/logging/plain", "agent/app/api/upstream", "agent/secret/privatefile"}, "what the programs' command lines have in common is no part of the product"},
	"cmd/tcrelease":     {[]string{"cmd/internal", "packaging", "updater/release", "updater/repository", "agent/disk"}, "the maintainers' tool runs the programs, it does not contain them"},
	"cmd/tcenvsvr-shim": {[]string{"agent/job"}, "one runs beside every job: it is as small as can be"},
	"cmd/tcenvsvr":      {[]string{"cmd/internal", "agent", "…", "certs", "updater", "packaging/service"}, "the composition root wires everything of the agent and nothing of the cloud"},
	"cmd/tccloud": {[]string{"cmd/internal", "cmd/tccloud/internal/demo", "agent/link/wire", "agent/link/conn", "agent/app/api", "agent/disk", "agent/host/clock", "agent/app/tcx", "agent/app/vet", "agent/app/inputs", "agent/app/fault", "agent/app/signature", "agent/link/signed", "agent/secret/envelope", "agent/secret/privatefile", "agent/host/fitness", "updater/release", "updater/metadata", "updater/repository", "agent/logging/plain"},
		"the cloud shares the protocol, the package format, what inputs an App takes, how to ask a disk, which files may hold secrets and what is said of a sick host with the agent, not its workings"},
	"cmd/tccloud/internal/demo": {[]string{"agent/link/wire", "test/stage", "test/apps", "updater/release"},
		"the demo shows what the tests prove, with the same processes and Apps"},

	"test": {[]string{"agent", "…", "certs", "updater"}, "tests and benchmarks look at the product from outside"},
}

// owners says who may import a library directly, or a package of ours that is not for everybody; a $
// says that only the package itself is meant.
var owners = map[string]struct {
	may []string
	why string
}{
	"github.com/knadh/koanf":             {[]string{"agent/settings"}, "settings arrive typed"},
	"github.com/shirou/gopsutil":         {[]string{"agent/host/facts"}, "one package asks the machine"},
	"github.com/DeRuina/timberjack":      {[]string{"agent/logging"}, "one package writes log files"},
	"github.com/mochi-mqtt":              {[]string{"agent/job/internal/broker"}, "one package speaks MQTT"},
	"github.com/gorilla/websocket":       {[]string{"agent/link/conn", "agent/link", "cmd/tccloud/internal", "test/bench"}, "the transport ends below the session; the benchmark looks at live pages as browsers do"},
	"github.com/nats-io":                 {[]string{"cmd/tccloud"}, "the engine behind the gateway can change without the agents"},
	"github.com/goreleaser":              {[]string{"packaging"}, "one package makes packages"},
	"github.com/ProtonMail/go-crypto":    {[]string{"packaging/pgp"}, "one package holds the release key"},
	"github.com/sassoftware/go-rpmutils": {[]string{"packaging", "cmd/tccloud/internal/releases/packages"}, "rpms are read where they are made, and where they are handed out"},
	"github.com/spf13":                   {[]string{"cmd", "test/bench"}, "command lines belong to programs"},
	"github.com/kardianos/service":       {[]string{"cmd/tcenvsvr/internal/svc"}, "one package knows service managers"},
	"github.com/coreos/go-systemd":       {[]string{"agent/logging", "cmd/tcenvsvr/internal/daemon"}, "only logging and the daemon know who supervises"},
	"software.sslmate.com/src/go-pkcs12": {[]string{"agent/enroll/bundle", "certs", "cmd/tccloud/internal"}, "few know the format of keystores"},
	"github.com/theupdateframework":      {[]string{"updater"}, "only the updater reads update metadata"},
	module + "/updater/slot": {[]string{"updater/slot", "cmd/tcenvsvr/internal/cli$", "cmd/tcenvsvr/internal/cli/installation", "cmd/tcenvsvr/internal/cli/slot", "cmd/tcenvsvr/internal/cli/update"},
		"only the commands that root or the launcher runs act on slots: neither the daemon nor anything else of the agent"},
	"github.com/minio/selfupdate":         {[]string{"updater/slot/install"}, "it is safe only in a slot that nothing runs from"},
	"github.com/landlock-lsm/go-landlock": {[]string{"agent/job/internal/isolation"}, "one package isolates Apps"},
	"github.com/fsnotify/fsnotify":        {[]string{"certs", "cmd/tcenvsvr/internal/daemon"}, "few watch files"},
	"github.com/alexedwards/scs":          {[]string{"cmd/tccloud/internal/console"}, "sessions are the console's"},
	"github.com/prometheus":               {[]string{"cmd/tccloud/internal/metrics"}, "one package knows how figures are told"},
	"github.com/coreos/go-oidc":           {[]string{"cmd/tccloud/internal/console/sso"}, "one package signs people in by a provider"},
	"golang.org/x/oauth2":                 {[]string{"cmd/tccloud/internal/console/sso"}, "one package signs people in by a provider"},
	"github.com/chromedp":                 {[]string{"test/browser"}, "one package drives a browser"},
	"golang.org/x/net/proxy":              {[]string{"agent/link/proxy"}, "one package knows proxies"},
}

// forbidden names what must not even be linked into a program, with all
// below it; a $ says that only the package itself is meant.
var forbidden = map[string]map[string]string{
	"cmd/tcenvsvr": {
		"github.com/nats-io":              "some 10 MB and a broker in every customer's network",
		module + "/cmd/tccloud":           "the agent does not contain a cloud",
		"github.com/goreleaser":           "hosts do not make packages",
		"github.com/ProtonMail":           "hosts do not sign packages",
		"testing":                         "tests stay out of the product",
		"net/http/httptest":               "tests stay out of the product",
		"net/http/pprof":                  "it registers itself on the default mux",
		"expvar":                          "it registers itself on the default mux",
		"github.com/rogpeppe/go-internal": "tests stay out of the product",
	},
	"cmd/tcenvsvr-shim": {
		"net/http":   "one runs beside every job: it is as small as can be",
		"crypto/tls": "one runs beside every job: it is as small as can be",
		"github.com": "one runs beside every job: it is as small as can be (Landlock's rules are an exception)",
		"testing":    "tests stay out of the product",
	},
	"cmd/tccloud": {
		"testing":           "tests stay out of the product",
		"net/http/httptest": "tests stay out of the product",
		module + "/agent$":  "the cloud runs no orders",
	},
	"agent/link/wire":       {"golang.org/x": "standard library only", "github.com": "standard library only"},
	"agent/disk/atomicfile": {"golang.org/x": "standard library only", "github.com": "standard library only"},
	"agent/app/api":         {"golang.org/x": "standard library only", "github.com": "standard library only"},
}

type pkg struct {
	ImportPath, Dir string
	Imports         []string
	Deps            []string
	Standard        bool
	GoFiles         []string
}

var platforms = []string{"linux", "windows", "darwin"}

func TestImportsGoOneWay(t *testing.T) {
	for _, goos := range platforms {
		for _, p := range list(t, goos) {
			name := strings.TrimPrefix(p.ImportPath, module+"/")
			area, ok := areaOf(name)
			if !ok {
				t.Errorf("%s is in no area of the table: add it with its reason", name)
				continue
			}
			for _, imported := range p.Imports {
				ours, isOurs := strings.CutPrefix(imported, module+"/")
				if isOurs && !allowed(ours, area) {
					t.Errorf("%s: %s imports %s; %s may import %v: %s", goos, name, ours, area, areas[area].may, areas[area].why)
				}
				for library, o := range owners {
					if within(imported, library) && !slices.ContainsFunc(o.may, func(a string) bool { return name+"$" == a || within(name, a) }) {
						t.Errorf("%s: %s imports %s, which is for %v: %s", goos, name, imported, o.may, o.why)
					}
				}
			}
		}
	}
}

// TestDirectionsAreUsed: with a direction in the table that no package needs, a new import in that
// direction would go unnoticed.
func TestDirectionsAreUsed(t *testing.T) {
	used := map[string]bool{}
	for _, goos := range platforms {
		for _, p := range list(t, goos) {
			area, _ := areaOf(strings.TrimPrefix(p.ImportPath, module+"/"))
			for _, imported := range p.Imports {
				if ours, isOurs := strings.CutPrefix(imported, module+"/"); isOurs {
					for _, may := range areas[area].may {
						if within(ours, may) || may == "…" && within(ours, "agent") {
							used[area+" "+may] = true
						}
					}
				}
			}
		}
	}
	for area, r := range areas {
		for _, may := range r.may {
			if !used[area+" "+may] {
				t.Errorf("%s does not import %s: take it out of the table", area, may)
			}
		}
	}
}

// TestNobodyImportsACompositionRoot: what knows all parts is known to the one command that runs it.
func TestNobodyImportsACompositionRoot(t *testing.T) {
	const root = module + "/cmd/tcenvsvr/internal/daemon"
	for _, goos := range platforms {
		var by []string
		for _, p := range list(t, goos) {
			if slices.Contains(p.Imports, root) {
				by = append(by, p.ImportPath)
			}
		}
		if len(by) != 1 || !within(strings.TrimPrefix(by[0], module+"/"), "cmd/tcenvsvr/internal/cli") {
			t.Errorf("%s: %v import %s; want the command that runs it alone", goos, by, root)
		}
	}
}

func TestProgramsContainNoStrangers(t *testing.T) {
	for _, goos := range platforms {
		for _, p := range list(t, goos) {
			for library, why := range forbidden[strings.TrimPrefix(p.ImportPath, module+"/")] {
				i := slices.IndexFunc(p.Deps, func(d string) bool {
					if within(d, "github.com/landlock-lsm/go-landlock") {
						return false
					}
					exact, isExact := strings.CutSuffix(library, "$")
					return d == exact || !isExact && within(d, library)
				})
				if i >= 0 {
					t.Errorf("%s: %s contains %s: %s", goos, p.ImportPath, p.Deps[i], why)
				}
			}
		}
	}
}

func TestEveryPackageTellsItsStory(t *testing.T) {
	for _, p := range list(t, "linux") {
		text, err := os.ReadFile(filepath.Join(p.Dir, "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
			continue
		}
		if !bytes.HasPrefix(text, []byte("// ")) && !bytes.HasPrefix(text, []byte("/*")) || bytes.Count(text, []byte("\n")) < 3 {
			t.Errorf("%s/doc.go says nothing", p.ImportPath)
		}
	}
}

// alone are the areas that hold one package and none below it, so that a new package below it
// needs a row of its own.
var alone = map[string]bool{"agent": true, "updater": true}

// areaOf finds the longest area that holds the package.
func areaOf(name string) (string, bool) {
	best := ""
	for area := range areas {
		if (name == area || !alone[area] && within(name, area)) && len(area) > len(best) {
			best = area
		}
	}
	return best, best != ""
}

func allowed(imported, area string) bool {
	if own, _ := areaOf(imported); own == area || !alone[area] && within(imported, area) {
		return true
	}
	return slices.ContainsFunc(areas[area].may, func(may string) bool {
		switch may {
		case "…":
			return within(imported, "agent")
		case "agent":
			return imported == "agent"
		}
		return within(imported, may)
	})
}

func within(name, area string) bool {
	return name == area || strings.HasPrefix(name, area+"/")
}

// list returns our packages as they are on one operating system.
func list(t *testing.T, goos string) []pkg {
	t.Helper()
	c := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Imports,Deps", "./...")
	c.Dir = ".."
	c.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v\n%s", goos, err, &stderr)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
