package launch

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tcenvsvr/agent/app/fault"
)

//go:embed launcher.py
var launcher []byte

// argName is a parameter name that may follow "--" or "-D".
var argName = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.:-]*$`)

// python is the recipe for Python Apps.
func (b *builder) python() ([]string, error) {
	exe, err := b.pythonInterpreter().locate()
	if err != nil {
		return nil, err
	}
	target, err := b.pythonTarget()
	if err != nil {
		return nil, err
	}
	b.target = target[:1]
	if b.mode() == byFile {
		return append([]string{exe}, target...), nil
	}
	args, err := b.arguments()
	if err != nil {
		return nil, err
	}
	argv, err := json.Marshal(append(target, b.options(args)...))
	if err != nil {
		return nil, &fault.Error{Code: fault.BadParam, Err: err}
	}
	return []string{exe, b.file(".tc_launcher.py", launcher), b.file(".tc_argv.json", argv)}, nil
}

// pythonTarget is what follows the interpreter. That it is there is looked for before anything is
// started.
func (b *builder) pythonTarget() ([]string, error) {
	target := b.manifest.PythonMain(func(name string) bool {
		info, err := os.Stat(filepath.Join(b.dir, name))
		return err == nil && info.Mode().IsRegular()
	})
	if target == nil {
		return nil, fault.New(fault.BadManifest, "launching App: programMain is %q, and its package has no %s.py", b.manifest.Main, strings.TrimSuffix(b.manifest.Main, ".py"))
	}
	return target, nil
}

// pythonInterpreter uses the setting that fits languageVersion, or the other one if that is empty.
func (b *builder) pythonInterpreter() interpreter {
	i := b.execution.pythonInterpreter()
	major, minor, known := b.manifest.Python()
	old := known && (major < 3 || major == 3 && minor >= 0 && minor < 11)
	if b.execution.PythonHome != "" && (old || i.home == "") {
		i.setting, i.home = "appsPythonHome", b.execution.PythonHome
	}
	return i
}

// options writes parameters as Python Apps parse them: "--name value", "--name" alone for what is
// true, nothing for what is false, one "--name value" per value of a list.
func (b *builder) options(params map[string]string) []string {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	var args []string
	for _, name := range names {
		value := params[name]
		declared, _ := b.manifest.Param(name)
		switch {
		case declared.Type == "Boolean" || b.isFlag(name, value):
			if strings.EqualFold(value, "true") || value == "1" {
				args = append(args, "--"+name)
			}
		case declared.AllowMultiple || declared.Type == "MultiChoice":
			for v := range strings.SplitSeq(value, b.manifest.ListDelimiter) {
				args = option(args, name, v)
			}
		default:
			args = option(args, name, value)
		}
	}
	return args
}

// isFlag: the platform's own truth values are flags for every framework that reads arguments.
func (b *builder) isFlag(name, value string) bool {
	_, declared := b.manifest.Param(name)
	return !declared && strings.HasPrefix(name, "tc_") && (value == "true" || value == "false")
}

// option appends one option. A value that looks like an option is attached, or argparse would take
// it for one.
func option(args []string, name, value string) []string {
	if strings.HasPrefix(value, "-") {
		return append(args, "--"+name+"="+value)
	}
	return append(args, "--"+name, value)
}
