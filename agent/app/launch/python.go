package launch

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	target := b.pythonTarget()
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

// pythonTarget is what follows the interpreter.
func (b *builder) pythonTarget() []string {
	main := b.manifest.Main
	if strings.HasSuffix(main, ".py") {
		return []string{main}
	}
	if info, err := os.Stat(filepath.Join(b.dir, "__main__.py")); err == nil && info.Mode().IsRegular() {
		return []string{".", main}
	}
	return []string{main + ".py"}
}

// pythonInterpreter uses the setting that fits languageVersion, or the other one if that is empty.
func (b *builder) pythonInterpreter() interpreter {
	i := b.execution.pythonInterpreter()
	old := before311(b.manifest.LanguageVersion)
	if b.execution.PythonHome != "" && (old || i.home == "") {
		i.setting, i.home = "appsPythonHome", b.execution.PythonHome
	}
	return i
}

// before311 reports whether a languageVersion such as "3.6.x" is older than 3.11; a text that is no
// version is not.
func before311(version string) bool {
	parts := strings.Split(strings.TrimSpace(version), ".")
	major, err := strconv.Atoi(parts[0])
	if err != nil || major != 3 || len(parts) < 2 {
		return err == nil && major < 3
	}
	minor, err := strconv.Atoi(parts[1])
	return err == nil && minor < 11
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
