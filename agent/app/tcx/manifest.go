package tcx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tcenvsvr/agent/app/fault"
)

// MaxManifest is the largest install.json in bytes.
const MaxManifest = 1 << 20

const maxParams = 2000

// Manifest is what an executor needs of install.json. Words that the platform compares without case
// (language, runtime level, feature) are lower case.
type Manifest struct {
	ProgramName     string   `json:"programName"`
	DisplayName     string   `json:"displayName"`
	ProgramVersion  string   `json:"programVersion"`
	Language        string   `json:"programLanguage"` // python or java; others are kept, but not launched
	Main            string   `json:"programMain"`     // "run.py", "run", or a Java class
	MainAppClass    string   `json:"mainAppClass"`    // Java
	LanguageVersion string   `json:"languageVersion"`
	SDKVersion      string   `json:"sdkVersion"`
	AppID           string   `json:"appId"`
	RuntimeLevel    []string `json:"runtimeLevel"` // organization, playbook, …
	ListDelimiter   string   `json:"listDelimiter"`
	Features        []string `json:"features"` // fileparams, secureparams, …
	JavaClasspath   []string `json:"javaClasspath"`
	PublishOutFiles []string `json:"publishOutFiles"`
	TimeoutMinutes  int      `json:"timeoutMinutes"`
	Params          []Param  `json:"params"`
	Playbook        Playbook `json:"playbook"`
}

// Playbook lists the variables that a Playbook App declares to write.
type Playbook struct {
	OutputVariables []Output `json:"outputVariables"`
}

// Param is one declared input.
type Param struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // String, Choice, EditChoice, MultiChoice, Boolean, KeyValueList, StringMixed
	Label    string `json:"label"`
	Required bool   `json:"required"`
	Encrypt  bool   `json:"encrypt"`
	// ServiceConfig: a service App gets it at its start; a trigger's configuration has the others.
	ServiceConfig bool   `json:"serviceConfig"`
	AllowMultiple bool   `json:"allowMultiple"`
	Default       string `json:"default"`
	// Of the form in which people fill it in.
	Note        string   `json:"note"`
	Hidden      bool     `json:"hidden"`
	Sequence    int      `json:"sequence"` // of fields, where not 0
	ValidValues []string `json:"validValues"`
}

// Output is one declared Playbook variable.
type Output struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Is reports whether the App has the runtime level, written in any case.
func (m *Manifest) Is(level string) bool {
	return slices.Contains(m.RuntimeLevel, strings.ToLower(level))
}

// Has reports whether the App declares the feature, written in any case.
func (m *Manifest) Has(feature string) bool {
	return slices.Contains(m.Features, strings.ToLower(feature))
}

// Param returns the declared parameter of that name.
func (m *Manifest) Param(name string) (Param, bool) {
	i := slices.IndexFunc(m.Params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		return Param{}, false
	}
	return m.Params[i], true
}

// Defaults returns the defaults of the parameters that have one. The platform fills them into its
// form; `app run` does the same. Defaults that name something of the platform ("${…}") are left
// out.
func (m *Manifest) Defaults() map[string]string {
	d := make(map[string]string)
	for _, p := range m.Params {
		if p.Default != "" && !strings.Contains(p.Default, "${") {
			d[p.Name] = p.Default
		}
	}
	return d
}

// Major is the first number of ProgramVersion, "0" where it has none.
func (m *Manifest) Major() string {
	v := strings.TrimLeft(m.ProgramVersion, "vV ")
	n := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' })
	if n < 0 {
		n = len(v)
	}
	if major, err := strconv.ParseUint(v[:n], 10, 32); err == nil {
		return strconv.FormatUint(major, 10)
	}
	return "0"
}

// Python returns the version of Python that the App was made for, minor -1 where only a major one is
// given. What is no version is not ok.
func (m *Manifest) Python() (major, minor int, ok bool) {
	parts := strings.Split(strings.TrimSpace(m.LanguageVersion), ".")
	major, err := strconv.Atoi(parts[0])
	if minor = -1; err == nil && len(parts) > 1 {
		minor, err = strconv.Atoi(parts[1])
	}
	return major, minor, err == nil
}

// PythonMain returns what follows the interpreter, nil if the App's folder has no such file.
func (m *Manifest) PythonMain(has func(name string) bool) []string {
	file := strings.TrimSuffix(m.Main, ".py") + ".py"
	switch {
	case file != m.Main && has("__main__.py"):
		return []string{".", m.Main}
	case has(file):
		return []string{file}
	}
	return nil
}

// ParseManifest reads an install.json. It is tolerant where real files vary (numbers and booleans
// as text, lists as one word, a byte order mark, unknown fields) and strict where a value becomes
// part of a command line. Its errors are *fault.Error with code app.bad_manifest, and name the line.
func ParseManifest(data []byte) (Manifest, error) {
	if unreadable(data) == nil {
		if m, err := decode(withoutBOM(data)); err == nil && len(m.faults()) == 0 {
			return m, nil
		}
	}
	return Manifest{}, fault.New(fault.BadManifest, "reading install.json: %s", ReadAll(data).Flaws[0])
}

// Reading is all that can be said of an install.json.
type Reading struct {
	Manifest Manifest // as far as it could be read
	Lines    Lines
	Keys     []Key  // that are not read, or stand there twice; not all if there are many
	Flaws    []Flaw // for which ParseManifest refuses it
}

// ReadAll reads an install.json like [ParseManifest], and finds all that is wrong.
func ReadAll(data []byte) Reading {
	if f := unreadable(data); f != nil {
		return Reading{Flaws: []Flaw{*f}}
	}
	s := scan(withoutBOM(data))
	r := Reading{Lines: s.lines, Keys: s.keys, Flaws: s.flaws}
	if len(s.lines) == 0 {
		return r // no JSON: nothing is known of the rest
	}
	var err error
	r.Manifest, err = decode(s.rest())
	for _, f := range r.Manifest.faults() {
		if s.unread[f.path] { // that was said already
			continue
		}
		r.Flaws = append(r.Flaws, Flaw{s.lines.Of(f.path), f.text})
	}
	if err != nil { // unreachable: the scanner knows what the decoder refuses; a fuzz test compares
		r.Flaws = append(r.Flaws, Flaw{1, err.Error()})
	}
	return r
}

// unreadable returns what is wrong with the file as a whole, nil if nothing is.
func unreadable(data []byte) *Flaw {
	if len(data) > MaxManifest {
		return &Flaw{1, fmt.Sprintf("it has more than %d bytes", MaxManifest)}
	}
	if utf8.Valid(data) {
		return nil
	}
	for at := 0; ; {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			return &Flaw{1 + bytes.Count(data[:at], []byte("\n")), "it is not UTF-8"}
		}
		at += n
	}
}

func withoutBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }

func decode(data []byte) (Manifest, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return Manifest{}, err
	}
	return f.manifest(), nil
}

var (
	programName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`) // becomes an argument
	paramName   = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.:-]*$`)
)

// misfit is a value that cannot be used, and where it stands.
type misfit struct{ path, text string }

// faults are the values that could not become part of a command line, or without which there is
// none.
func (m *Manifest) faults() (list []misfit) {
	bad := func(path, format string, args ...any) {
		if len(list) < maxFaults {
			list = append(list, misfit{path, fmt.Sprintf(format, args...)})
		}
	}
	switch {
	case m.Language == "":
		bad("programLanguage", "programLanguage is missing")
	case m.Language == "python" && m.Main == "":
		bad("programMain", "programMain is missing")
	case m.Main != "" && !programName.MatchString(m.Main):
		bad("programMain", "programMain %.80q is not a program name", m.Main)
	}
	if m.MainAppClass != "" && !programName.MatchString(m.MainAppClass) {
		bad("mainAppClass", "mainAppClass %.80q is not a class name", m.MainAppClass)
	}
	if len(m.Params) > maxParams {
		bad("params", "more than %d params", maxParams)
	}
	if m.TimeoutMinutes < 0 {
		bad("timeoutMinutes", "timeoutMinutes is negative")
	}
	for i, p := range m.Params {
		if !paramName.MatchString(p.Name) {
			bad(fmt.Sprintf("params[%d].name", i), "%.80q is not a parameter name", p.Name)
		}
	}
	return list
}
