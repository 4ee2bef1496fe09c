package inputs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseKV(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"":   {},
		" {": nil,
		"#App:1:a!String=5\r\n\r\n #App:1:b!StringArray=[\"x\"]\n#App:1:c!String=@/etc/passwd=": {"#App:1:a!String": `"5"`, "#App:1:b!StringArray": `["x"]`, "#App:1:c!String": `"@/etc/passwd="`},
		"{\n\"#App:1:a!String\": \"x\"}":  {"#App:1:a!String": `"x"`},
		"a=1\na=2":                        nil,
		secret:                            nil,
		"=" + secret:                      nil,
		`{"a": 1, "a": "` + secret + `"}`: nil,
		`{"a": 1} ` + secret:              nil,
	} {
		got, err := ParseKV(text)
		if (err == nil) != (want != nil) || err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got); err == nil && d != "" {
			t.Errorf("%q: %s", text, d)
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
