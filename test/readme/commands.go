package readme

import (
	"regexp"
	"strings"
)

// Commands returns the commands of a document in their order: the lines of its sh blocks, without
// what is said about them.
func Commands(text string) (lines []string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "```") {
			inside = !inside && line == "```sh"
			continue
		}
		if command, _, _ := strings.Cut(line, "  #"); inside && strings.TrimSpace(command) != "" {
			lines = append(lines, strings.TrimSpace(command))
		}
	}
	return lines
}

var span = regexp.MustCompile("`([^`\n]+)`")

// Named returns everything that a document marks as code: its commands, and the spans in its text.
func Named(text string) []string {
	all := Commands(text)
	for _, m := range span.FindAllStringSubmatch(outside(text), -1) {
		all = append(all, m[1])
	}
	return all
}

// A Plan says what becomes of a command of README.md in the test.
type Plan struct {
	Not   string            // why it is not run; "" = it is
	Exit  int               // the exit code that is right
	Says  string            // what the output must contain
	Typed map[string]string // what is typed on the terminal, by the end of the question; nil = there is no terminal
}

// Plans has a row for each command of README.md.
var Plans = map[string]Plan{
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
		"[y/N] ": "y", "New master password: ": password, "The same again: ": password}},
	"systemctl enable --now threatconnect-envsvr":                           {},
	"sudo tcenvsvr keychain unlock":                                         unlock,
	"systemctl start threatconnect-envsvr && sudo tcenvsvr keychain unlock": unlock,
	"tcenvsvr status":                        {Says: "connected"},
	"sudo tcenvsvr doctor":                   {},
	"tcenvsvr settings show --origin":        {Says: "brokerHost"},
	"tcenvsvr settings set logLevel info":    {},
	"tcenvsvr certs add fullchain.pem":       {},
	"tcenvsvr certs list":                    {},
	"sudo tcenvsvr app run my_app.tcx":       {Says: "running as tc-job by sudo"},
	"systemctl restart threatconnect-envsvr": {},
	"systemctl stop threatconnect-envsvr":    {},
	"tcenvsvr update status":                 {Says: "package"},
	"sudo tcenvsvr update check":             {Exit: 10, Says: "is available"},
	"sudo tcenvsvr update apply":             {},
	"sudo tcenvsvr update rollback":          {},
	"sudo tcenvsvr update pin none":          {},
	"sudo tcenvsvr update resume":            {},
	"dnf upgrade threatconnect-envsvr":       {Typed: agree},
}

// unlock gives the service the master password.
var unlock = Plan{Says: "the service is unlocked", Typed: map[string]string{"assword: ": password}}

// agree says yes to dnf.
var agree = map[string]string{"[y/N]: ": "y"}

// password is a master password that somebody types.
const password = "correct horse battery staple"
