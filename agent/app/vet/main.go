package vet

import (
	"maps"
	"path"
	"slices"
	"strings"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/logging/nearest"
)

// main looks in the package for what is to be started.
func (v *vetter) main() {
	m, files := v.Manifest, v.contents.Files
	switch m.Language {
	case "python":
		if m.Main == "" || m.PythonMain(func(name string) bool { return files[name] }) != nil {
			return
		}
		want := strings.TrimSuffix(m.Main, ".py") + ".py"
		v.wrong(fault.BadManifest, "programMain", "programMain %q: there is no %s in the package%s", m.Main, want, nearest.Question(want, v.top(".py")))
	case "java":
		if len(m.JavaClasspath) == 0 && len(v.top(".jar")) == 0 {
			v.wrong(fault.BadManifest, "javaClasspath", "there is no .jar in the top folder, and javaClasspath is empty")
		}
	}
}

// top are the files in the top folder itself that have an ending.
func (v *vetter) top(ending string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(v.contents.Files)) {
		if !strings.Contains(name, "/") && strings.EqualFold(path.Ext(name), ending) {
			list = append(list, name)
		}
	}
	return list
}
