package inputs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseKV(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"": {},
		"#App:1:a!String=5\r\n\r\n #App:1:b!StringArray=[\"x\"]\n#App:1:c!String=@/etc/passwd=": {"#App:1:a!String": `"5"`, "#App:1:b!StringArray": `["x"]`, "#App:1:c!String": `"@/etc/passwd="`},
		"{\n\"#App:1:a!String\": \"x\"}": {"#App:1:a!String": `"x"`},
	} {
		got, err := ParseKV(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
	for text, want := range map[string]string{
		" {":                              "it is not a JSON object",
		"a=1\na=2":                        `the Playbook variable "a" is given twice`,
		secret:                            "a Playbook variable wants a line NAME=VALUE",
		"=" + secret:                      "a Playbook variable wants a line NAME=VALUE",
		`{"a": 1, "a": "` + secret + `"}`: `"a" stands in it twice`,
		`{"a": 1} ` + secret:              "something follows",
	} {
		if _, err := ParseKV(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// FuzzParseKV: whatever is written into a form, values are JSON.
func FuzzParseKV(f *testing.F) {
	f.Add("#App:1:a!String=5\n#App:1:b!StringArray=[1]")
	f.Add(`{"#App:1:a!String": {"x": [null]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		kv, err := ParseKV(text)
		for name, value := range kv {
			if err != nil || name == "" && !strings.Contains(text, "{") || !json.Valid([]byte(value)) {
				t.Errorf("%q: %q is %q, %v", text, name, value, err)
			}
		}
	})
}
