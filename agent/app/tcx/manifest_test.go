package tcx

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/fault"
)

func TestParseManifest(t *testing.T) {
	got, err := ParseManifest([]byte("\xef\xbb\xbf" + `{
		"programName": "TCPB - Vault v1", "programLanguage": "PYTHON", "programMain": "run.py",
		"programVersion": "2.0.1", "languageVersion": 3.11, "runtimeLevel": ["Playbook"],
		"features": ["fileParams", "runtimeVariables"], "listDelimiter": null,
		"params": [
			{"name": "token", "type": "String", "encrypt": "true", "default": 5},
			{"name": "kv", "type": "KeyValueList", "default": [{"key":"a"}], "required": true, "unheard": {}}],
		"playbook": {"outputVariables": [{"name": "x", "type": "String", "encrypt": false}], "type": "Utility"},
		"publishOutFiles": "*.csv", "timeoutMinutes": "5", "feeds": [{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Manifest{
		ProgramName: "TCPB - Vault v1", Language: "python", Main: "run.py", ProgramVersion: "2.0.1",
		LanguageVersion: "3.11", RuntimeLevel: []string{"playbook"}, ListDelimiter: "|",
		Features: []string{"fileparams", "runtimevariables"}, PublishOutFiles: []string{"*.csv"}, TimeoutMinutes: 5,
		Params: []Param{
			{Name: "token", Type: "String", Encrypt: true, Default: "5"},
			{Name: "kv", Type: "KeyValueList", Default: `[{"key":"a"}]`, Required: true},
		},
		Playbook: Playbook{OutputVariables: []Output{{Name: "x", Type: "String"}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !got.Is("Playbook") || !got.Has("fileParams") || got.Has("secureParams") || got.Major() != "2" {
		t.Errorf("got Is %t, Has %t, %t, Major %q", got.Is("Playbook"), got.Has("fileParams"), got.Has("secureParams"), got.Major())
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":           `{`,
		"a list":            `[]`,
		"no language":       `{"programMain":"run"}`,
		"no program":        `{"programLanguage":"python"}`,
		"a path":            `{"programLanguage":"python","programMain":"../run.py"}`,
		"an option":         `{"programLanguage":"python","programMain":"-c"}`,
		"a class of spaces": `{"programLanguage":"java","programMain":"a b"}`,
		"a parameter name":  `{"programLanguage":"java","params":[{"name":"a=b"}]}`,
		"not UTF-8":         "{\"programLanguage\":\"java\",\"note\":\"\xff\"}",
	} {
		if _, err := ParseManifest([]byte(text)); fault.Code(err) != fault.BadManifest {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestMajor(t *testing.T) {
	for version, want := range map[string]string{"1.0.2": "1", "v12": "12", "": "0", "beta": "0", "007.1": "7", "99999999999": "0"} {
		if got := (&Manifest{ProgramVersion: version}).Major(); got != want {
			t.Errorf("%q: got %q, want %q", version, got, want)
		}
	}
}

// What was understood once is understood in the same way when written out.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"programLanguage":"PYTHON","programMain":"run.py","params":[{"name":"a","default":[1]}],"features":"x","runtimeLevel":"Playbook"}`))
	f.Add([]byte(`{"programLanguage":"java","playbook":{"outputVariables":[{"name":"o","type":"String"}]},"timeoutMinutes":3}`))
	f.Add([]byte(`{"programLanguage":[],"programMain":{},"params":[{"name":{}},[],1],"features":{},"playbook":[]}`))
	f.Add([]byte(`{"programLanguage":null,"Params":null,"params":[null],"runtimeLevel":[[]],"timeoutMinutes":1e3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := ParseManifest(data)
		all := ReadAll(data)
		if (err != nil) != (len(all.Flaws) > 0) {
			t.Fatalf("refused with %v, and all that is wrong is %v", err, all.Flaws)
		}
		for _, f := range all.Flaws {
			if strings.Contains(f.Text, "Go ") || strings.Contains(f.Text, "tcx.") {
				t.Errorf("a Go type: %q", f.Text)
			}
		}
		if err != nil {
			return
		}
		text, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := ParseManifest(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if d := cmp.Diff(first, second); d != "" {
			t.Error(d)
		}
	})
}

// A deep object costs no more than it has bytes, nor does a long list.
func TestReadAllIsBounded(t *testing.T) {
	name := `{"` + strings.Repeat("n", 90) + `":`
	for what, text := range map[string]string{
		"deep":   `{"note":` + strings.Repeat(name, 9_000) + "1" + strings.Repeat("}", 9_001),
		"long":   `{"params":[` + strings.Repeat(`{"nam":1},`, 100_000) + `{}]}`,
		"wrong":  `{"params":[` + strings.Repeat(`1,`, 500_000) + `1]}`,
		"listed": `{"features":[` + strings.Repeat(`[[]],`, 200_000) + `1]}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := ReadAll([]byte(text))
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 400 || len(r.Flaws) == 0 {
			t.Errorf("%s: %d MB were allocated, %d flaws", what, used, len(r.Flaws))
		}
	}
}

// What only people read of a parameter makes no App unreadable, whatever it is.
func TestParamForms(t *testing.T) {
	const head = `{"programName":"a","programLanguage":"python","programMain":"run.py","runtimeLevel":"Organization","params":[{"name":"p",`
	for text, want := range map[string]Param{
		`"note":"why","hidden":"True","sequence":"3","validValues":["a",1,null,"b"]`: {Name: "p", Note: "why", Hidden: true, Sequence: 3, ValidValues: []string{"a", "1", "b"}},
		`"note":{"a":1},"hidden":[],"sequence":{},"validValues":{"a":[]}`:            {Name: "p"},
		`"note":null,"hidden":false,"sequence":1.5,"validValues":[["a"],"b"]`:        {Name: "p", ValidValues: []string{"b"}},
	} {
		m, err := ParseManifest([]byte(head + text + `}]}`))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if d := cmp.Diff(want, m.Params[0]); d != "" {
			t.Errorf("%s: %s", text, d)
		}
		if r := ReadAll([]byte(head + text + `}]}`)); len(r.Flaws) > 0 || len(r.Keys) > 0 {
			t.Errorf("%s: %v, %v", text, r.Flaws, r.Keys)
		}
	}
}
