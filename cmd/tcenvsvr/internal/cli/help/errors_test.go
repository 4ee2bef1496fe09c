package help

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestEveryCodeIsExplained looks for codes in the packages that make them.
func TestEveryCodeIsExplained(t *testing.T) {
	errors, states := errorCodes(), updateStates()
	for _, tc := range []struct {
		topic      Topic
		dir, codes string
	}{
		{errors, "agent/app/fault", `= "(app\.[a-z0-9_]+)"`},
		{errors, "agent/job/internal/spec", `= "((?:job|sandbox)\.[a-z0-9_]+)"`},
		{errors, "agent/order", `code\w+ += "([a-z]+\.[a-z_]+)"`},
		{errors, "agent/order/guard", `Code\w+ += "([a-z]+\.[a-z_]+)"`},
		{errors, "agent/app/policy", `Denied = "([a-z]+\.[a-z_]+)"`},
		{errors, "agent/link/wire", `Reason\w* +Reason = "([a-z_]+)"`},
		{errors, "agent/link/proxy", `Code = "(proxy\.[a-z_]+)"`},
		{errors, "agent/link/fault", `"((?:dns|tcp|tls|websocket|hello|session)\.[a-z_]+)"`},
		{errors, "updater", `(?:return|case i >= 0:\n\t\treturn) "([a-z_]+)", (?:root|fmt)`},
		{errors, "updater/slot", `(?:refuse\(|Refusal\{)"([a-z_]+)"`},
		{errors, "agent/app/api", `http\.Status([A-Z]\w+)[,:]`},
		{states, "updater", `(?:u\.phase\(|phase := )"([a-z_]+)"`},
		{states, "updater/handover", `Phase = "([a-z_]+)"`},
	} {
		explained := map[string]bool{}
		for _, s := range tc.topic.Sections {
			for _, r := range s.Rows {
				explained[r.Term] = true
			}
		}
		found := 0
		for _, code := range madeIn(t, tc.dir, tc.codes) {
			if code == "tcp.dial" { // becomes tcp.failed
				continue
			}
			if tc.dir == "agent/app/api" {
				if code = statuses[code]; code == "" {
					continue // no refusal
				}
			}
			found++
			if !explained[code] {
				t.Errorf("%s makes %q, which \"tcenvsvr help %s\" does not explain: add it to the table of that package", tc.dir, code, tc.topic.Name)
			}
		}
		if found == 0 {
			t.Errorf("%s: no code was found by %q", tc.dir, tc.codes)
		}
	}
}

// madeIn finds what the pattern's group matches in the source of a package.
func madeIn(t *testing.T, dir, pattern string) (found []string) {
	t.Helper()
	files, err := filepath.Glob("../../../../../" + dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1) {
			found = append(found, m[1])
		}
	}
	return found
}

// statuses are those with which something is refused, by the name in net/http.
var statuses = func() map[string]string {
	byName := map[string]string{}
	for code := 400; code < 600; code++ {
		if text := http.StatusText(code); text != "" {
			byName[strings.NewReplacer(" ", "", "-", "").Replace(text)] = strconv.Itoa(code)
		}
	}
	return byName
}()
