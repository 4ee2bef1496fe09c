package vet_test

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/app/vet"
)

const good = `{
"programName": "X", "programLanguage": "PYTHON", "programMain": "run.py", "languageVersion": "3.11",
"programVersion": "1.0.0", "runtimeLevel": "Playbook", "features": ["fileParams"],
"params": [{"name": "a", "type": "String"}, {"name": "b", "type": "boolean"}, {"name": "c"}],
"playbook": {"outputVariables": [{"name": "o", "type": "StringArray"}, {"name": "o", "type": "Own"}]}
}`

func bundle(t testing.TB, files ...string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "x.tcx"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	w := zip.NewWriter(f)
	for i := 0; i < len(files); i += 2 {
		e, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

func javaApp(main string, classpath ...string) string {
	return fmt.Sprintf(`{"programLanguage": "JAVA", "programMain": %q, "javaClasspath": [%q], "programVersion": "1", "runtimeLevel": ["Organization"]}`,
		main, strings.Join(classpath, ":"))
}

// jar is one with a single class.
func jar(class string) string {
	var b strings.Builder
	w := zip.NewWriter(&b)
	if _, err := w.Create(class); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func says(f *os.File) []string {
	var list []string
	for _, p := range vet.Check(f) {
		list = append(list, p.String())
	}
	return list
}

func TestGood(t *testing.T) {
	for name, files := range map[string][]string{
		"plain":          {"X_v1/install.json", good, "X_v1/run.py", ""},
		"of a mac":       {"X_v1/install.json", "\xef\xbb\xbf" + good, "X_v1/run.py", "", "__MACOSX/X_v1/._run.py", "x", ".DS_Store", "x", "X_v1/.DS_Store", "x"},
		"with a main":    {"X_v1/install.json", strings.Replace(good, "run.py", "run", 1), "X_v1/__main__.py", ""},
		"without ending": {"X_v1/install.json", strings.Replace(good, "run.py", "run", 1), "X_v1/run.py", ""},
		"of java":        {"X_v1/install.json", javaApp("x.Main"), "X_v1/a.jar", jar("y/Other.class"), "X_v1/b.jar", jar("x/Main.class")},
		"of java, plain": {"X_v1/install.json", javaApp(""), "X_v1/a.jar", jar("y/Other.class")},
	} {
		if got := says(bundle(t, files...)); got != nil {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestManifest: each change to a good install.json is one problem, which names the line.
func TestManifest(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"language":         {`"PYTHON"`, `"PYTON"`, `install.json:2: programLanguage "pyton": Environment Servers run python and java: did you mean "PYTHON"?`},
		"no main":          {`"programMain": "run.py", `, ``, `install.json:1: programMain is missing`},
		"another main":     {`run.py`, `rum.py`, `install.json:2: programMain "rum.py": there is no rum.py in the package: did you mean "run.py"?`},
		"level":            {`"Playbook"`, `"Playbok"`, `install.json:3: runtimeLevel ["playbok"]: Playbook, Organization, TriggerService, WebhookTriggerService, ApiService and FeedApiService are supported: did you mean "Playbook"?`},
		"a second level":   {`"Playbook"`, `["Playbook", "Orgnization"]`, `warning: install.json:3: runtimeLevel "orgnization" is not known: did you mean "Organization"?`},
		"another level":    {`"Playbook"`, `"SpaceSystem"`, `install.json:3: runtimeLevel ["spacesystem"]: Playbook, Organization, TriggerService, WebhookTriggerService, ApiService and FeedApiService are supported`},
		"no version":       {`"programVersion": "1.0.0", `, ``, `install.json:1: programVersion is missing`},
		"long version":     {`"1.0.0"`, `"` + strings.Repeat("1", 65) + `"`, `install.json:3: programVersion "` + strings.Repeat("1", 65) + `" is longer than 64 bytes`},
		"python 2":         {`"3.11"`, `"2.7"`, `warning: install.json:2: languageVersion "2.7": Environment Servers run Python 3.11, and an older one for Apps that want that`},
		"python 3.12":      {`"3.11"`, `3.12`, `warning: install.json:2: languageVersion "3.12": Environment Servers run Python 3.11, and an older one for Apps that want that`},
		"type":             {`"boolean"`, `"Bolean"`, `install.json:4: type of parameter "b": "Bolean" is not known: did you mean "Boolean"?`},
		"twice":            {`"b"`, `"a"`, `install.json:4: parameter "a" is there twice, first on line 4`},
		"a name":           {`"name": "b"`, `"name": "b c"`, `install.json:4: "b c" is not a parameter name`},
		"no list":          {`{"outputVariables": [{"name": "o", "type": "StringArray"}, {"name": "o", "type": "Own"}]}`, `{"outputVariables": {}}`, `install.json:5: playbook.outputVariables: want a list […]`},
		"no text":          {`"run.py"`, `["run.py"]`, `install.json:2: programMain: want a text, number or boolean`},
		"output type":      {`"StringArray"`, `"StringAray"`, `warning: install.json:5: type of output variable "o": "StringAray" is not known: did you mean "StringArray"?`},
		"output no name":   {`"name": "o", "type": "Own"`, `"type": "Own"`, `install.json:5: an output variable has no name`},
		"output twice":     {`"Own"`, `"StringArray"`, `install.json:5: output variable "o" is there twice`},
		"key":              {`"features"`, `"feature"`, `warning: install.json:3: "feature" is not known: did you mean "features"?`},
		"key of a param":   {`"name": "c"`, `"name": "c", "requird": true`, `warning: install.json:4: "params[2].requird" is not known: did you mean "params[2].required"?`},
		"key twice":        {`"programName": "X"`, `"programName": "X", "PROGRAMNAME": "Y"`, `install.json:2: "programName" stands here twice`},
		"feature":          {`"fileParams"`, `"fileparam"`, `warning: install.json:3: feature "fileparam" is not known: did you mean "fileParams"?`},
		"comma":            {`"type": "Own"}`, `"type": "Own",}`, `install.json:5: a comma stands before the bracket that closes`},
		"no comma":         {`"PYTHON", `, `"PYTHON" `, `install.json:2: it is no JSON: invalid character '"' after object key:value pair`},
		"cut":              {"]}\n}", "]}\n", `install.json:6: it is cut short: a } or ] is missing at its end`},
		"not UTF-8":        {`"X"`, "\"\xff\"", `install.json:2: it is not UTF-8`},
		"control sequence": {`"boolean"`, `"\u001b[2J"`, `install.json:4: type of parameter "b": "\x1b[2J" is not known: want one of String, Choice, EditChoice, MultiChoice, Boolean, KeyValueList, StringMixed`},
	} {
		text := strings.Replace(good, tt.old, tt.new, 1)
		if text == good {
			t.Fatalf("%s changes nothing", name)
		}
		if d := cmp.Diff([]string{tt.want}, says(bundle(t, "X_v1/install.json", text, "X_v1/run.py", ""))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestPackage(t *testing.T) {
	for name, tt := range map[string]struct {
		files []string
		want  []string
	}{
		"flat":         {[]string{"install.json", good, "run.py", ""}, []string{"install.json lies in no folder: zip the folder, not what is in it"}},
		"no jar":       {[]string{"X_v1/install.json", `{"programLanguage":"java","programVersion":"1","runtimeLevel":"Playbook"}`, "X_v1/lib/a.jar", ""}, []string{"install.json:1: there is no .jar in the top folder, and javaClasspath is empty"}},
		"no class":     {[]string{"X_v1/install.json", javaApp("x.Main"), "X_v1/a.jar", jar("x/Mine.class")}, []string{`warning: install.json:1: programMain "x.Main": no jar in the top folder has this class`}},
		"a bad jar":    {[]string{"X_v1/install.json", javaApp("x.Main"), "X_v1/a.jar", "PK"}, []string{`warning: install.json:1: "a.jar" is no jar: zip: not a valid zip file`}},
		"not compiled": {[]string{"X_v1/install.json", javaApp("x.Main", "classes"), "X_v1/classes/x/Mine.class", ""}, []string{`warning: install.json:1: programMain "x.Main": nothing in the top folder or on javaClasspath has this class`}},
		"compiled":     {[]string{"X_v1/install.json", javaApp("x.Main", "./classes/"), "X_v1/classes/x/Main.class", ""}, nil},
		"in a library": {[]string{"X_v1/install.json", javaApp("x.Main", "etc", "lib/*"), "X_v1/lib/a.jar", jar("x/Main.class")}, nil},
		"a named jar":  {[]string{"X_v1/install.json", javaApp("x.Main", "lib/a.jar"), "X_v1/lib/a.jar", jar("x/Mine.class")}, []string{`warning: install.json:1: programMain "x.Main": nothing in the top folder or on javaClasspath has this class`}},
		"others":       {[]string{"X_v1/install.json", good, "X_v1/run.py", "", "Y_v1/a", "", "Y_v1/b", "", "Z/a", ""}, []string{`two top folders, "X_v1" and "Y_v1"`, `two top folders, "X_v1" and "Z"`}},
		"two folders":  {[]string{"X_v1/install.json", good, "X_v1/run.py", "", "Y_v1/a", "", "b", ""}, []string{`two top folders, "X_v1" and "Y_v1"`, `"b" lies beside the top folder`}},
		"no manifest":  {[]string{"X_v1/run.py", ""}, []string{"there is no X_v1/install.json"}},
		"empty":        {nil, []string{"it is empty"}},
		"everything": {[]string{"../x", "", "X_v1/install.json", strings.NewReplacer(`"1.0.0"`, `""`, `"boolean"`, `"Strng"`, "run.py", "go.py").Replace(good)}, []string{
			`entry "../x": not a clean relative path`, `install.json:2: programMain "go.py": there is no go.py in the package`,
			"install.json:3: programVersion is missing", `install.json:4: type of parameter "b": "Strng" is not known: did you mean "String"?`,
		}},
	} {
		if d := cmp.Diff(tt.want, says(bundle(t, tt.files...))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestRefusal(t *testing.T) {
	list := []vet.Problem{{Code: "a", Text: "odd", Warning: true}, {Code: "b", Text: "first"}, {Code: "c", Line: 3, Text: "second"}}
	if err := vet.Refusal(list); fault.Code(err) != "b" || err.Error() != "2 problems\nfirst\ninstall.json:3: second" {
		t.Errorf("got %v", err)
	}
	if w := vet.Warnings(list); len(w) != 1 || vet.Refusal(w) != nil {
		t.Errorf("got %v", w)
	}
}

// FuzzCheck: whatever an install.json says, the answer is bounded, names lines that are there, and refuses
// what an agent cannot read.
func FuzzCheck(f *testing.F) {
	f.Add(good)
	f.Add(strings.Replace(good, "[", "{", 1))
	f.Add(`{"params":[` + strings.Repeat(`{"name":1,"nam":2},`, 3000) + `{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		list := vet.Check(bundle(t, "X_v1/install.json", text, "X_v1/run.py", ""))
		if len(list) > 100 {
			t.Errorf("%d problems", len(list))
		}
		for _, p := range list {
			if p.Code == "" || p.Text == "" || len(p.Text) > 600 || p.Line > 1+strings.Count(text, "\n") {
				t.Errorf("got %+v", p)
			}
		}
	})
}
