package vet

import (
	"fmt"
	"slices"
	"strings"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/logging/nearest"
)

// manifest judges what an install.json says.
func (v *vetter) manifest(r tcx.Reading) {
	v.Reading = r
	for _, f := range r.Flaws {
		v.add(Problem{Code: fault.BadManifest, Line: f.Line, Text: f.Text})
	}
	if len(r.Lines) == 0 {
		return // no JSON: nothing is known of the rest
	}
	v.keys()
	v.runtime()
	v.version()
	v.params()
	v.outputs()
	v.main()
}

// keys judges names of values that nobody would read, and values that are there twice.
func (v *vetter) keys() {
	for _, k := range v.Keys {
		switch there := v.Lines[k.Meant] > 0; {
		case k.Again:
			v.add(Problem{Code: fault.BadManifest, Line: k.Line, Text: fmt.Sprintf("%.80q stands here twice", k.Path)})
		case k.Meant != "" && !there:
			v.add(Problem{Code: fault.BadManifest, Line: k.Line, Text: fmt.Sprintf("%.80q is not known: did you mean %q?", k.Path, k.Meant), Warning: true})
		}
	}
}

// runtime judges whether Environment Servers run such Apps at all.
func (v *vetter) runtime() {
	m := v.Manifest
	_, err := m.Runtime()
	switch {
	case err == nil:
		for _, level := range m.RuntimeLevel {
			v.word("runtimeLevel", "runtimeLevel", level, tcx.RuntimeLevels, true)
		}
	case m.Language == "": // that was said already
	case m.Language != "python" && m.Language != "java":
		v.wrong(fault.Unsupported, "programLanguage", "%v", err)
	default:
		v.wrong(fault.Unsupported, "runtimeLevel", "%v", err)
	}
	for _, f := range m.Features {
		if near := nearest.Of(f, tcx.Features); near != "" && !strings.EqualFold(near, f) {
			v.odd("features", "feature %.80q is not known: did you mean %q?", f, near)
		}
	}
}

// word judges a value that should be one of some words, in any case.
func (v *vetter) word(path, what, word string, known []string, harmless bool) {
	if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, word) }) {
		return
	}
	question := nearest.Question(word, known)
	switch {
	case !harmless:
		if question == "" {
			question = ": want one of " + strings.Join(known, ", ")
		}
		v.wrong(fault.BadManifest, path, "%s %.80q is not known%s", what, word, question)
	case question != "":
		v.odd(path, "%s %.80q is not known%s", what, word, question)
	}
}

// version judges the version of the App and that of its language.
func (v *vetter) version() {
	m := v.Manifest
	switch n := len(m.ProgramVersion); {
	case n == 0:
		v.wrong(fault.BadManifest, "programVersion", "programVersion is missing")
	case n > 64:
		v.wrong(fault.BadManifest, "programVersion", "programVersion %.80q is longer than 64 bytes", m.ProgramVersion)
	}
	if m.Language == "python" {
		if major, minor, ok := m.Python(); ok && (major != 3 || minor > 11) {
			v.odd("languageVersion", "languageVersion %.20q: Environment Servers run Python 3.11, and an older one for Apps that want that", m.LanguageVersion)
		}
	}
}

func (v *vetter) params() {
	first := map[string]int{}
	for i, p := range v.Manifest.Params {
		at := fmt.Sprintf("params[%d]", i)
		if line, twice := first[p.Name]; twice {
			v.wrong(fault.BadManifest, at+".name", "parameter %.80q is there twice, first on line %d", p.Name, line)
		} else {
			first[p.Name] = v.Lines.Of(at + ".name")
		}
		if p.Type != "" {
			v.word(at+".type", fmt.Sprintf("type of parameter %.80q:", p.Name), p.Type, tcx.ParamTypes, false)
		}
	}
}

func (v *vetter) outputs() {
	type variable struct{ name, kind string }
	first := map[variable]bool{}
	for i, o := range v.Manifest.Playbook.OutputVariables {
		at := fmt.Sprintf("playbook.outputVariables[%d]", i)
		switch {
		case o.Name == "":
			v.wrong(fault.BadManifest, at, "an output variable has no name")
		case o.Type == "":
			v.wrong(fault.BadManifest, at, "output variable %.80q has no type", o.Name)
		case first[variable{o.Name, o.Type}]:
			v.wrong(fault.BadManifest, at+".name", "output variable %.80q is there twice", o.Name)
		default:
			v.word(at+".type", fmt.Sprintf("type of output variable %.80q:", o.Name), o.Type, tcx.VariableTypes, true)
		}
		first[variable{o.Name, o.Type}] = true
	}
}
