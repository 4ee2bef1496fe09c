package test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/settings"
)

// TestREADMETellsWhatTheTablesSay rewrites README with UPDATE=1.
func TestREADMETellsWhatTheTablesSay(t *testing.T) {
	const file = "../README.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range map[string]string{"settings": settingsTable(), "codes": codesTable()} {
		begin, end := "<!-- "+name+": UPDATE=1 go test -run README ./test -->\n", "<!-- end of "+name+" -->\n"
		i, j := strings.Index(want, begin), strings.Index(want, end)
		if i < 0 || j < i {
			t.Fatalf("README lacks %q … %q", begin, end)
		}
		want = want[:i+len(begin)] + table + want[j:]
	}
	if string(text) == want {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("README differs from the tables (-README +tables); UPDATE=1 rewrites it:\n%s", cmp.Diff(strings.Split(string(text), "\n"), strings.Split(want, "\n")))
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
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

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
