package inputs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tcenvsvr/agent/logging/nearest"
)

// App declares what inputs it takes; they are checked against it.
type App struct {
	Name     string
	Playbook bool
	Params   []Param
	Outputs  []Output // that a Playbook App declares
}

// Param is a declared parameter.
type Param struct {
	Name     string
	Required bool
	Default  string // "" = none
}

// Output is a declared Playbook variable.
type Output struct{ Name, Type string }

// Inputs are the complete inputs of one execution.
type Inputs struct {
	Params       map[string]string
	KV           map[string]string
	OutVariables []string
}

// defaultJob is the job number in the name of a Playbook variable that was given without one.
const defaultJob = 1

// mostNames is how many missing parameters are named.
const mostNames = 10

// Complete checks the given values and adds defaults. If outVariables is nil, the App writes all
// variables that it declares. Errors are *[Refusal].
func (a App) Complete(given Values, outVariables []string) (Inputs, error) {
	in := Inputs{Params: map[string]string{}, KV: given.KV, OutVariables: outVariables}
	var names []string
	for _, p := range a.Params {
		names = append(names, p.Name)
		if p.Default != "" {
			in.Params[p.Name] = p.Default
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given.Params)) {
		if !slices.Contains(names, name) && !strings.HasPrefix(name, "tc_") && !strings.HasPrefix(name, "api_") {
			return in, refuse("App %q has no parameter %.80q%s", a.Name, name, nearest.Question(name, names)).try("it has: %s", strings.Join(names, ", "))
		}
		in.Params[name] = given.Params[name]
	}
	var missing []string
	for _, p := range a.Params {
		if _, given := in.Params[p.Name]; p.Required && !given {
			missing = append(missing, strconv.Quote(p.Name))
		}
	}
	if n := len(missing) - mostNames; n > 0 {
		missing = append(missing[:mostNames], fmt.Sprintf("and %d more", n))
	}
	if missing != nil {
		return in, refuse("App %q needs parameter %s", a.Name, strings.Join(missing, ", "))
	}
	if a.Playbook && outVariables == nil {
		for _, o := range a.Outputs {
			in.OutVariables = append(in.OutVariables, fmt.Sprintf("#App:%d:%s!%s", defaultJob, o.Name, o.Type))
		}
	}
	if !a.Playbook && len(in.KV)+len(in.OutVariables) > 0 {
		return in, refuse("App %q is no Playbook App: it has no variables", a.Name)
	}
	if err := a.checkOutputs(outVariables, in.KV); err != nil {
		return in, err
	}
	return in, CheckKV(in.KV)
}

// checkOutputs refuses variables that nobody writes: neither the App nor, before it runs, kv.
func (a App) checkOutputs(variables []string, kv map[string]string) error {
	var known []string
	for _, o := range a.Outputs {
		known = append(known, o.Name+"!"+o.Type)
	}
	for _, v := range variables {
		if typeOf(v) == "" {
			return refuse("%.200q is no Playbook variable", v).try(variableForm)
		}
		name := v[strings.LastIndexByte(v, ':')+1:] // the number before it is that of the step in a Playbook
		if _, set := kv[v]; !set && !slices.Contains(known, name) {
			return refuse("App %q writes no variable %.80q%s", a.Name, name, nearest.Question(name, known)).try("it writes: %s", strings.Join(known, ", "))
		}
	}
	return nil
}
