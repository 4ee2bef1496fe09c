package inputs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const secret = "s3cr3t"

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	got, err := Flags{
		ParamFile: write(t, "p.json", `{"a": 1.50, "b": true, "c": "x", "d": "file"}`),
		Params:    []string{"d=pair", "e=@" + write(t, "e", "two\nlines\n"), "f=@@at", "g=", "h=a=b"},
		KVFile:    "-",
		KV:        []string{"#App:1:s!String=5", "#App:1:t!String=\"5\"", "#App:1:u!String=plain", "#App:1:a!StringArray=[\"x\"]", "own=5"},
	}.Read(Source{Stdin: strings.NewReader(`{"#App:1:kv!KeyValue": {"key": "k", "value": "v"}, "#App:1:s!String": "file"}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := Values{
		Params: map[string]string{"a": "1.50", "b": "true", "c": "x", "d": "pair", "e": "two\nlines", "f": "@at", "g": "", "h": "a=b"},
		KV: map[string]string{
			"#App:1:s!String": `"5"`, "#App:1:t!String": `"5"`, "#App:1:u!String": `"plain"`, "own": "5",
			"#App:1:a!StringArray": `["x"]`, "#App:1:kv!KeyValue": `{"key": "k", "value": "v"}`,
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A command that becomes another user opens before what this one may read.
func TestFiles(t *testing.T) {
	f := Flags{ParamFile: "p.json", Params: []string{"a=@one", "b=@@at", "c=d", "e"}, KV: []string{"#App:1:x!String=@two"}}
	if d := cmp.Diff([]string{"one", "two", "p.json", ""}, f.Files()); d != "" {
		t.Error(d)
	}
}

func TestReadRefuses(t *testing.T) {
	file := func(text string) string { return write(t, "f.json", text) }
	large := write(t, "large", "")
	if err := os.Truncate(large, MaxFile+1); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		flags Flags
		usage bool
		says  string
	}{
		"a value alone":        {Flags{Params: []string{secret}}, true, "--param wants NAME=VALUE"},
		"a variable alone":     {Flags{KV: []string{secret}}, true, "--kv wants NAME=VALUE"},
		"no name":              {Flags{Params: []string{"=" + secret}}, true, "--param wants"},
		"stdin twice":          {Flags{ParamFile: "-", KVFile: "-"}, true, "both"},
		"a parameter twice":    {Flags{Params: []string{"a=1", "a=" + secret}}, true, `--param "a" is given twice`},
		"twice in a file":      {Flags{ParamFile: file(`{"a": 1, "a": "` + secret + `"}`)}, false, `"a" stands in it twice`},
		"an open object":       {Flags{ParamFile: file(`{"a": 1`)}, false, "not a JSON object"},
		"no such file":         {Flags{Params: []string{"a=@/nowhere"}}, false, `value of --param "a"`},
		"no JSON":              {Flags{ParamFile: file(secret)}, false, "not a JSON object"},
		"null":                 {Flags{ParamFile: file("null")}, false, "not a JSON object"},
		"two objects":          {Flags{KVFile: file(`{} {"a":"` + secret + `"}`)}, false, "something follows"},
		"a list as parameter":  {Flags{ParamFile: file(`{"a": ["` + secret + `"]}`)}, false, `parameter "a" is neither text nor number nor boolean`},
		"null as parameter":    {Flags{ParamFile: file(`{"a": null}`)}, false, `parameter "a" is neither`},
		"a large file":         {Flags{Params: []string{"a=@" + large}}, false, `large" is larger than 33554432 bytes`},
		"no file of variables": {Flags{KVFile: "/nowhere"}, false, "Playbook variables"},
	} {
		_, err := tc.flags.Read(Source{Stdin: strings.NewReader("")})
		if err == nil || !strings.Contains(err.Error(), tc.says) || errors.Is(err, ErrUsage) != tc.usage || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCheckKV(t *testing.T) {
	for name, values := range map[string]struct{ good, bad []string }{
		"#App:1:x!String":             {[]string{`"a"`, "null"}, []string{"5", `{"a":1}`, `["a"]`}},
		"#App:1:x!StringArray":        {[]string{`["a",null]`, "[]"}, []string{`"a"`, "[1]"}},
		"#App:1:x!Binary":             {[]string{`"aGk="`}, []string{`"?"`, "7"}},
		"#App:1:x!BinaryArray":        {[]string{`["aGk=",null]`}, []string{`["?"]`}},
		"#Trigger:22:a.b[0]!KeyValue": {[]string{`{"key":"k","value":[1]}`}, []string{`{"key":"k"}`, `[]`}},
		"#App:1:x!KeyValueArray":      {[]string{`[{"key":"k","value":""}]`}, []string{`{"key":"k","value":""}`}},
		"#App:1:x!TCEntity":           {[]string{`{"id":"1","type":"Host","value":"h"}`}, []string{`"h"`}},
		"#App:1:x!TCEntityArray":      {[]string{`[{"type":"Host","value":"h"}]`}, []string{`["h"]`}},
		"#App:1:x!TCEnhancedEntity":   {[]string{`{"id":7}`}, []string{"7"}},
		"#App:1:x!Custom":             {[]string{"5", `"a"`, "[]"}, []string{"{"}},
		"App:1:x!String":              {nil, []string{`"a"`}},
		"#App:x!String":               {nil, []string{`"a"`}},
	} {
		for _, v := range values.good {
			if err := CheckKV(map[string]string{name: v}); err != nil {
				t.Errorf("%s = %s: %v", name, v, err)
			}
		}
		for _, v := range values.bad {
			if _, ok := errors.AsType[*Refusal](CheckKV(map[string]string{name: v})); !ok {
				t.Errorf("%s = %s is taken", name, v)
			}
		}
	}
}

func TestComplete(t *testing.T) {
	app := App{Name: "A", Playbook: true, Outputs: []Output{{"out", "String"}},
		Params: []Param{{Name: "need", Required: true}, {Name: "dflt", Required: true, Default: "d"}, {Name: "opt"}}}
	job := app
	job.Playbook = false
	need := map[string]string{"need": "n", "tc_extra": "1", "api_extra": "2"}
	got, err := app.Complete(Values{Params: need}, nil)
	want := Inputs{Params: map[string]string{"need": "n", "dflt": "d", "tc_extra": "1", "api_extra": "2"}, OutVariables: []string{"#App:1:out!String"}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
	for name, tc := range map[string]struct {
		app  App
		in   Values
		outs []string
		says string
	}{
		"unknown":      {app, Values{Params: map[string]string{"need": "", "typo": secret}}, nil, `has no parameter "typo"`},
		"misspelt":     {app, Values{Params: map[string]string{"need": "", "dfltt": secret}}, nil, `has no parameter "dfltt": did you mean "dflt"?`},
		"missing":      {app, Values{}, nil, `needs parameter "need"`},
		"two missing":  {App{Params: []Param{{Name: "a", Required: true}, {Name: "b", Required: true}}}, Values{}, nil, `needs parameter "a", "b"`},
		"no output":    {app, Values{Params: need}, []string{"#App:7:out!String", "#App:7:ot!String"}, `writes no variable "ot!String": did you mean "out!String"?`},
		"another type": {app, Values{Params: need}, []string{"#App:7:out!StringArray"}, `writes no variable "out!StringArray"`},
		"no variable":  {app, Values{Params: need}, []string{"out"}, `"out" is no Playbook variable`},
		"KV of a job":  {job, Values{Params: need, KV: map[string]string{"#App:1:a!String": `"a"`}}, nil, "is no Playbook App"},
		"out of a job": {job, Values{Params: need}, []string{"#App:1:a!String"}, "is no Playbook App"},
		"wrong type":   {app, Values{Params: need, KV: map[string]string{"#App:1:a!String": `{"` + secret + `":1}`}}, nil, "not of its type"},
	} {
		if _, err := tc.app.Complete(tc.in, tc.outs); err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
