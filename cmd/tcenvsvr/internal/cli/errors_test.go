package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// TestEveryCodeIsExplained looks for codes in the packages that make them.
func TestEveryCodeIsExplained(t *testing.T) {
	topic := errorsTopic().Long
	for dir, codes := range map[string]string{
		"agent/app/fault":         `= "(app\.[a-z0-9_]+)"`,
		"agent/job/internal/spec": `= "((?:job|sandbox)\.[a-z0-9_]+)"`,
		"agent":                   `r\.Error[^\n]*?= "([a-z]+\.[a-z_]+)"`,
		"agent/link/wire":         `Reason\w* +Reason = "([a-z_]+)"`,
		"agent/link/proxy":        `Code = "(proxy\.[a-z_]+)"`,
		"agent/link/fault":        `"((?:dns|tcp|tls|websocket|hello|session)\.[a-z_]+)"`,
		"updater":                 `(?:return|case i >= 0:\n\t\treturn) "([a-z_]+)", (?:root|fmt)`,
		"updater/slot":            `(?:refuse\(|Refusal\{)"([a-z_]+)"`,
		"agent/app/api":           `http\.Status([A-Z]\w+)[,:]`,
	} {
		found := 0
		files, err := filepath.Glob("../../../../" + dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range regexp.MustCompile(codes).FindAllStringSubmatch(string(source), -1) {
				code := m[1]
				if code == "tcp.dial" { // becomes tcp.failed
					continue
				}
				if dir == "agent/app/api" {
					if code = statuses[code]; code == "" {
						continue // no refusal
					}
				}
				found++
				if !strings.Contains(topic, "\n  "+code+" ") && !strings.Contains(topic, "\n  "+code+"\n") {
					t.Errorf("%s makes %q, which \"tcenvsvr help errors\" does not explain: add it to the Hints of %s", filepath.Base(file), code, dir)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: no code was found by %q", dir, codes)
		}
	}
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

// What the hints say to type exists.
func TestHintsNameCommandsThatExist(t *testing.T) {
	root := newRoot(&env.Env{})
	named := regexp.MustCompile(`"tcenvsvr ([a-z -]+)`).FindAllStringSubmatch(strings.Join(strings.Fields(errorsTopic().Long), " "), -1)
	if len(named) == 0 {
		t.Fatal("no command was found")
	}
	for _, m := range named {
		if c, _, err := root.Find(strings.Fields(m[1])); err != nil || c.HasSubCommands() {
			t.Errorf("there is no command %q", "tcenvsvr "+m[1])
		}
	}
}
