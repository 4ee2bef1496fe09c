package apps

import (
	"archive/zip"
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed all:shared all:playbook all:job all:legacy all:legacy-cli all:stubborn all:flood all:java all:java-cli all:noop all:sleep all:probe all:hostile all:stranger all:workers all:ordinary all:ordinary-java all:hungry all:feed all:framework all:framework-source all:java-http all:service all:service-api all:service-trigger all:service-webhook all:service-feed all:service-paho all:service-java
var sources embed.FS

// ErrNoJDK means that a Java App cannot be built: there is no javac.
var ErrNoJDK = errors.New("there is no JDK (javac) on this host")

// recipe says which folders make an App; later ones win.
type recipe struct {
	folders []string
	// add puts what is not in our folders into the package.
	add  func(files map[string][]byte) error
	java bool
}

var recipes = map[string]recipe{
	"playbook":   {folders: []string{"shared", "playbook"}},
	"job":        {folders: []string{"shared", "job"}},
	"legacy":     {folders: []string{"shared", "legacy"}},
	"legacy-cli": {folders: []string{"shared", "legacy", "legacy-cli"}},
	"stubborn":   {folders: []string{"shared", "stubborn"}},
	"flood":      {folders: []string{"shared", "flood"}},
	"noop":       {folders: []string{"noop"}},
	"sleep":      {folders: []string{"shared", "sleep"}},
	"feed":       {folders: []string{"shared", "feed"}},
	"workers":    {folders: []string{"shared", "workers"}},
	"probe":      {folders: []string{"shared", "probe"}},
	"hostile":    {folders: []string{"shared", "hostile"}},
	"stranger":   {folders: []string{"shared", "stranger"}},
	"ordinary":   {folders: []string{"shared", "ordinary"}},
	"hungry":     {folders: []string{"shared", "hungry"}},
	"java":       {folders: []string{"java"}, java: true},

	"service-api":     {folders: []string{"shared", "service", "service-api"}},
	"service-trigger": {folders: []string{"shared", "service", "service-trigger"}},
	"service-webhook": {folders: []string{"shared", "service", "service-webhook"}},

	"service-feed": {folders: []string{"shared", "service", "service-feed"}},
	"service-paho": {folders: []string{"shared", "service", "service-paho"}, add: addPaho},
	"service-java": {folders: []string{"java", "service-java"}, java: true},

	"java-cli": {folders: []string{"java", "java-cli"}, java: true},

	"ordinary-java":    {folders: []string{"ordinary-java"}, java: true},
	"framework":        {folders: []string{"shared", "framework"}, add: addFramework},
	"java-http":        {folders: []string{"java-http"}, add: addJars, java: true},
	"framework-source": {folders: []string{"shared", "framework", "framework-source"}, add: addSourceFramework},
}

// Names returns all Apps, sorted.
func Names() []string {
	names := make([]string, 0, len(recipes))
	for name := range recipes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Build writes the package of an App into dir as <name>.tcx and returns its path. The same sources
// give the same bytes. A Java App needs javac: ErrNoJDK where there is none, and ErrNoLibraries
// where those that an App bundles are missing.
func Build(name, dir string) (file string, err error) {
	return build(name, "", dir)
}

// BuildVersion is Build with another programVersion, as <name>-<version>.tcx: a further version of
// the same App.
func BuildVersion(name, version, dir string) (file string, err error) {
	return build(name, version, dir)
}

func build(name, version, dir string) (string, error) {
	files, err := Files(name)
	if err != nil {
		return "", fmt.Errorf("building App %q: %w", name, err)
	}
	file := filepath.Join(dir, name+".tcx")
	if version != "" {
		file = filepath.Join(dir, name+"-"+version+".tcx")
		if err := setVersion(files, version); err != nil {
			return "", fmt.Errorf("building App %q: %w", name, err)
		}
	}
	if err := Pack(file, files); err != nil {
		return "", fmt.Errorf("building App %q: %w", name, err)
	}
	return file, nil
}

// Files returns what an App's package contains, by path below the top folder. Tests may change it
// and Pack it.
func Files(name string) (map[string][]byte, error) {
	r, ok := recipes[name]
	if !ok {
		return nil, fmt.Errorf("there is no such App; there are %s", strings.Join(Names(), ", "))
	}
	files := make(map[string][]byte)
	for _, folder := range r.folders {
		err := fs.WalkDir(sources, folder, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.Contains(p, "__pycache__") {
				return err
			}
			data, err := sources.ReadFile(p)
			files[strings.TrimPrefix(p, folder+"/")] = data
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if r.add != nil {
		if err := r.add(files); err != nil {
			return nil, err
		}
	}
	if r.java {
		return Compile(files)
	}
	return files, nil
}

// setVersion changes programVersion in install.json.
func setVersion(files map[string][]byte, version string) error {
	var m map[string]any
	if err := json.Unmarshal(files["install.json"], &m); err != nil {
		return err
	}
	m["programVersion"] = version
	data, err := json.MarshalIndent(m, "", "  ")
	files["install.json"] = data
	return err
}

// Pack writes files as a package: one top folder, named by the programName and the major version of
// its install.json.
func Pack(file string, files map[string][]byte) error {
	var m struct{ ProgramName, ProgramVersion string }
	if err := json.Unmarshal(files["install.json"], &m); err != nil {
		return fmt.Errorf("reading install.json: %w", err)
	}
	major, _, _ := strings.Cut(m.ProgramVersion, ".")
	top := strings.ReplaceAll(m.ProgramName, " ", "_") + "_v" + major
	data, err := archive(top, files)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// archive is a ZIP of files below top (which may be ""), without times.
func archive(top string, files map[string][]byte) ([]byte, error) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range names {
		h := &zip.FileHeader{Name: path.Join(top, name), Method: zip.Deflate}
		h.SetMode(0o644)
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
