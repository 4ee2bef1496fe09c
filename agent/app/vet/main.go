package vet

import (
	"archive/zip"
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/disk/zipdir"
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
			return
		}
		v.mainClass()
	}
}

// top are the files in the top folder itself that have an ending.
func (v *vetter) top(ending string) []string { return v.in(".", ending) }

// in are the files in a folder that have an ending.
func (v *vetter) in(folder, ending string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(v.contents.Files)) {
		if path.Dir(name) == folder && strings.EqualFold(path.Ext(name), ending) {
			list = append(list, name)
		}
	}
	return list
}

// maxJars bounds what is read of jars to look for the main class, in bytes.
const maxJars = 32 << 20

// mainClass looks for the class that is to be started. It only warns, because a jar may name others
// as its class path, and says nothing where a jar cannot be read, or has more than is read.
func (v *vetter) mainClass() {
	m := v.Manifest
	name := strings.ReplaceAll(m.Main, ".", "/") + ".class"
	jars := v.top(".jar")
	where := "no jar in the top folder"
	if m.Main == "" {
		return
	}
	for _, more := range strings.FieldsFunc(strings.Join(m.JavaClasspath, ":"), func(r rune) bool { return r == ':' || r == ';' }) {
		more = path.Clean(more)
		switch {
		case path.IsAbs(more):
			return // it is the host's
		case v.contents.Files[path.Join(more, name)]:
			return
		case v.contents.Files[more]:
			jars = append(jars, more)
		case path.Base(more) == "*":
			jars = append(jars, v.in(path.Dir(more), ".jar")...)
		}
		where = "nothing in the top folder or on javaClasspath"
	}
	room := int64(maxJars)
	for _, jar := range jars {
		data, err := v.contents.Read(jar, room)
		if err != nil {
			return // it was said already, or is too large
		}
		room -= int64(len(data))
		z, err := zipdir.Open(bytes.NewReader(data), int64(len(data)), maxJars)
		if z == nil {
			v.odd("", "%q is no jar: %v", jar, err)
			return
		}
		if slices.ContainsFunc(z.File, func(f *zip.File) bool { return f.Name == name }) {
			return
		}
	}
	v.odd("programMain", "programMain %q: %s has this class", m.Main, where)
}
