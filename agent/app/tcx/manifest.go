package tcx

import (
	"bytes"
	"encoding/json"
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

// ParseManifest reads an install.json. It is tolerant where real files vary (numbers and booleans
// as text, lists as one word, a byte order mark, unknown fields) and strict where a value becomes
// part of a command line. Its errors are *fault.Error with code app.bad_manifest.
func ParseManifest(data []byte) (Manifest, error) {
	if len(data) > MaxManifest {
		return Manifest{}, fault.New(fault.BadManifest, "reading install.json: more than %d bytes", MaxManifest)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var f file
	if !utf8.Valid(data) {
		return Manifest{}, fault.New(fault.BadManifest, "reading install.json: not UTF-8")
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return Manifest{}, fault.New(fault.BadManifest, "reading install.json: %w", err)
	}
	m := f.manifest()
	if err := m.validate(); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

var (
	programName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`) // becomes an argument
	paramName   = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.:-]*$`)
)

func (m *Manifest) validate() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.BadManifest, "reading install.json: "+format, args...)
	}
	switch {
	case m.Language == "":
		return bad("programLanguage is missing")
	case m.Language == "python" && m.Main == "":
		return bad("programMain is missing")
	case m.Main != "" && !programName.MatchString(m.Main):
		return bad("programMain %.80q is not a program name", m.Main)
	case m.MainAppClass != "" && !programName.MatchString(m.MainAppClass):
		return bad("mainAppClass %.80q is not a class name", m.MainAppClass)
	case len(m.Params) > maxParams:
		return bad("more than %d params", maxParams)
	case m.TimeoutMinutes < 0:
		return bad("timeoutMinutes is negative")
	}
	for _, p := range m.Params {
		if !paramName.MatchString(p.Name) {
			return bad("%.80q is not a parameter name", p.Name)
		}
	}
	return nil
}
