package launch

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/app/tcx"
)

// defaultMain starts an App that does not name its own main class.
const defaultMain = "com.threatconnect.sdk.app.AppMain"

// java is the recipe for Java Apps.
func (b *builder) java() ([]string, error) {
	exe, err := b.execution.javaInterpreter().locate()
	if err != nil {
		return nil, err
	}
	classpath, err := classpath(b.dir, b.manifest)
	if err != nil {
		return nil, err
	}
	argv := append([]string{exe}, machineOptions(b.execution.Limits.Memory)...)
	argv = append(argv, b.classOptions()...)
	argv = append(argv, b.execution.TrustArgs...)
	argv = append(argv, b.proxyOptions()...)
	argv = append(argv,
		"-Djava.io.tmpdir="+b.tmp,
		"-Dfile.encoding=UTF-8",
		"-XX:-UsePerfData", // options would be in /tmp, outside of the job's folder
		"-cp", classpath)
	if b.mode() != byFile {
		params, err := b.arguments()
		if err != nil {
			return nil, err
		}
		argv = append(argv, "@"+b.file(".tc_java.args", argFile(params)))
	}
	return append(argv, cmp.Or(b.manifest.Main, defaultMain)), nil
}

// classpath is every jar at the top of the App in dir and what javaClasspath adds, relative to the
// App's folder, which is the working directory.
func classpath(dir string, m tcx.Manifest) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", &fault.Error{Code: fault.Store, Err: err}
	}
	var list []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.EqualFold(filepath.Ext(e.Name()), ".jar") {
			list = append(list, e.Name())
		}
	}
	for _, more := range m.JavaClasspath {
		for _, p := range strings.FieldsFunc(more, func(r rune) bool { return r == ':' || r == ';' }) {
			if !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	if len(list) == 0 {
		return "", fault.New(fault.BadManifest, "launching App: there is no jar in its top folder and javaClasspath is empty")
	}
	return strings.Join(list, string(os.PathListSeparator)), nil
}

// argFile is an @file of -Dname=value options in the syntax of the java launcher: quoted, with
// backslash escapes.
func argFile(params map[string]string) []byte {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`)
	var b strings.Builder
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(`"-D` + name + `=` + escape.Replace(params[name]) + "\"\n")
	}
	return []byte(b.String())
}
