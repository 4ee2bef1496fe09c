package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/settings"
	"tcenvsvr/test/readme"
	"tcenvsvr/updater"
)

// TestREADMETellsWhatTheTablesSay rewrites the documents with UPDATE=1.
func TestREADMETellsWhatTheTablesSay(t *testing.T) {
	const command = "UPDATE=1 go test -run README ./test"
	readme.Renew(t, "../agent/settings/README.md", command, map[string]string{"settings": settingsTable()})
	readme.Renew(t, "../agent/link/README.md", command, map[string]string{"codes": codesTable()})
	readme.Renew(t, "../updater/README.md", command, map[string]string{"update-states": statesTable()})
}

func settingsTable() string {
	var b strings.Builder
	b.WriteString("| setting | values | default | applies | meaning |\n|---|---|---|---|---|\n")
	for _, s := range settings.All {
		values, notes := s.Want(), ""
		if s.Secret {
			values = "a secret"
		}
		if s.Example != "" {
			notes += fmt.Sprintf("; e.g. `%s`", s.Example)
		}
		byDefault := s.Default
		if byDefault != "" {
			byDefault = "`" + byDefault + "`"
		}
		applies := "after a restart"
		if s.Live {
			applies = "at once"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s%s |\n", s.Name, values, byDefault, applies, cell(s.Help), notes)
	}
	return b.String()
}

// codesTable has a row for each hint, in the order of the steps.
func codesTable() string {
	steps := []fault.Step{fault.DNS, fault.TCP, fault.Proxy, fault.TLS, fault.WebSocket, fault.Hello, fault.Session}
	order := func(code string) int {
		return slices.Index(steps, fault.Step(code[:strings.Index(code, ".")]))
	}
	byHint := map[string][]string{}
	for _, row := range fault.Codes() {
		byHint[row.Hint] = append(byHint[row.Hint], string(row.Code))
	}
	type line struct{ codes, hint string }
	var lines []line
	for hint, codes := range byHint {
		slices.SortFunc(codes, func(a, b string) int { return 2*(order(a)-order(b)) + strings.Compare(a, b) })
		lines = append(lines, line{"`" + strings.Join(slices.Compact(codes), "` `") + "`", hint})
	}
	slices.SortFunc(lines, func(a, b line) int {
		return 2*(order(a.codes[1:])-order(b.codes[1:])) + strings.Compare(a.codes, b.codes)
	})
	var b strings.Builder
	b.WriteString("| code | what to try |\n|---|---|\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "| %s | %s |\n", l.codes, cell(l.hint))
	}
	return b.String()
}

func statesTable() string {
	var b strings.Builder
	b.WriteString("| it says | it means | what to try |\n|---|---|---|\n")
	row := func(name string, s updater.State) {
		try := cell(s.Try)
		if try == "" {
			try = "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, cell(s.Meaning), try)
	}
	for _, s := range updater.States {
		row("`"+s.Name+"`", s)
	}
	for _, s := range updater.Notices {
		row(s.Name, s)
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// documents are the Markdown files of the project, by their names below the top.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("git", "-C", "..", "ls-files", "-co", "--exclude-standard", "*.md").Output()
	if err != nil {
		t.Fatalf("listing documents: %v", err)
	}
	all := map[string]string{}
	for name := range strings.FieldsSeq(string(out)) {
		if text, err := os.ReadFile(filepath.Join("..", name)); err == nil {
			all[name] = string(text)
		}
	}
	return all
}

// TestFewCommandsToTheFirstApp counts what an administrator types: from a host with nothing to a server
// that takes orders are at most six commands, as README.md has them (TestREADME in test/host types them).
func TestFewCommandsToTheFirstApp(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, way, found := strings.Cut(string(text), "\n## Install\n")
	way, _, ends := strings.Cut(way, "\n## Operate\n")
	commands := readme.Commands(way)
	if !found || !ends || len(commands) < 4 || len(commands) > 6 {
		t.Errorf("README.md needs %d commands: %q", len(commands), commands)
	}
}

// TestDocsLinks: each link to a file or a heading leads there, and links lead from README.md to every document.
func TestDocsLinks(t *testing.T) {
	all := documents(t)
	leads := map[string][]string{}
	for name, text := range all {
		for _, target := range readme.Links(text) {
			if strings.Contains(target, "://") {
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			file := name
			if path != "" {
				file = filepath.Join(filepath.Dir(name), path)
			}
			if _, err := os.Stat(filepath.Join("..", file)); err != nil {
				t.Errorf("%s: the link %q leads nowhere", name, target)
			}
			if anchor != "" && !readme.Anchors(all[file])[anchor] {
				t.Errorf("%s: %s has no heading for %q", name, file, target)
			}
			leads[name] = append(leads[name], file)
		}
	}
	reached := map[string]bool{}
	for next := []string{"README.md"}; len(next) > 0; next = next[1:] {
		if !reached[next[0]] {
			reached[next[0]] = true
			next = append(next, leads[next[0]]...)
		}
	}
	for name := range all {
		if !reached[name] {
			t.Errorf("no links lead from README.md to %s", name)
		}
	}
}

// TestREADMECommandsHaveAPlan: each command of each document is run by a test, or it is said why not.
func TestREADMECommandsHaveAPlan(t *testing.T) {
	all := documents(t)
	for document, text := range all {
		commands, plans := readme.Commands(text), readme.Plans[document]
		if readme.Elsewhere[document] != "" && plans == nil {
			continue
		}
		for _, line := range commands {
			if _, ok := plans[line]; !ok {
				t.Errorf("%s says %q, and readme.Plans does not say how that is run, or why not", document, line)
			}
		}
		for line := range plans {
			if !slices.Contains(commands, line) {
				t.Errorf("readme.Plans has %q, and %s does not", line, document)
			}
		}
	}
	for document := range readme.Elsewhere {
		if len(readme.Commands(all[document])) == 0 {
			t.Errorf("readme.Elsewhere has %s, which has no commands", document)
		}
	}
	text := all["README.md"]
	if blocks := strings.Count(text, "\n```"); blocks != 2*(strings.Count(text, "\n```sh\n")+strings.Count(text, "\n```mermaid\n")) {
		t.Error("README.md has a block that is neither sh nor mermaid")
	}
}

// TestREADMECommandsExist looks for every command of ours that a document names, with its flags.
func TestREADMECommandsExist(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test builds the programs")
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/tcenvsvr", "./cmd/tcenvsvr-shim", "./cmd/tccloud", "./cmd/tcrelease")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	helps := helpTexts{bin, map[string]string{}}
	for name, text := range documents(t) {
		for _, code := range readme.Named(text) {
			if _, ok := labels[code]; ok {
				continue
			}
			for _, m := range ours.FindAllStringSubmatch(code, -1) {
				if problem := helps.check(m[1], strings.Fields(m[2])); problem != "" {
					t.Errorf("%s: %q: %s", name, code, problem)
				}
			}
		}
	}
}

// labels look like commands of ours and are none.
var labels = map[string]string{
	"tcenvsvr signed order v1": "begins what the signature of an order covers",
}

// ours is a command of ours in a line of shell; its arguments end where another command begins.
var ours = regexp.MustCompile(`(?:^|[ /(])(tcenvsvr|tccloud|tcrelease)((?: +[^|&;> ]+)+)`)

// helpTexts are what programs in a folder say of their commands.
type helpTexts struct {
	bin   string
	known map[string]string
}

// of is the help of a command, "" if there is no such command.
func (h helpTexts) of(program, words string) string {
	key := program + " " + words
	if _, ok := h.known[key]; !ok {
		out, err := exec.Command(filepath.Join(h.bin, program), strings.Fields("help "+words)...).Output()
		if err != nil {
			out = nil
		}
		h.known[key] = string(out)
	}
	return h.known[key]
}

var (
	word = regexp.MustCompile(`^[a-z][a-z.-]*$`)
	flag = regexp.MustCompile(`^\[?--([A-Za-z-]+)`)
)

func (h helpTexts) check(program string, args []string) (problem string) {
	help, words := h.of(program, ""), ""
	group := true
	if args[0] == "help" {
		args = args[1:]
	}
	for _, arg := range args {
		if m := flag.FindStringSubmatch(arg); m != nil {
			group = false
			if !strings.Contains(strings.ReplaceAll(help, "\n", " \n"), "--"+m[1]+" ") {
				return fmt.Sprintf("%s%s has no flag --%s", program, words, m[1])
			}
			continue
		}
		if !group || !word.MatchString(arg) {
			group = false
			continue
		}
		next := h.of(program, words+" "+arg)
		if next == "" {
			return fmt.Sprintf("%s%s has no command %q", program, words, arg)
		}
		help, words = next, words+" "+arg
		group = strings.Contains(help, " COMMAND [flags]\n")
	}
	return ""
}

// TestDocsTellEveryState: the pictures and tables of an order have all its states.
func TestDocsTellEveryState(t *testing.T) {
	source, err := os.ReadFile("../agent/link/wire/order.go")
	if err != nil {
		t.Fatal(err)
	}
	states := regexp.MustCompile(`(?:State|Outcome) += "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(states) < 12 {
		t.Fatalf("found the states %q", states)
	}
	all := documents(t)
	_, picture, _ := strings.Cut(all["README.md"], "stateDiagram-v2")
	picture, _, _ = strings.Cut(picture, "```")
	for _, m := range states {
		if !regexp.MustCompile(`\b` + m[1] + `\b`).MatchString(picture) {
			t.Errorf("the picture in README.md lacks the state %q", m[1])
		}
		if !strings.Contains(all["agent/README.md"], "`"+m[1]+"`") {
			t.Errorf("agent/README.md does not tell the state %q", m[1])
		}
	}
}
