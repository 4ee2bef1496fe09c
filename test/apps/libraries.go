package apps

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNoLibraries means that this host lacks Debian packages that an App bundles.
var ErrNoLibraries = errors.New("this host lacks libraries of the App, install " +
	"python3-requests python3-chardet python3-pydantic python3-jinja2 python3-dateutil python3-redis python3-jmespath " +
	"python3-paho-mqtt python3-arrow libjackson2-databind-java libgoogle-gson-java")

// pythonLibraries is where Debian keeps its packages' modules.
const pythonLibraries = "/usr/lib/python3/dist-packages"

// pythonModules are what requests, pydantic, jinja2, dateutil, redis, jmespath, paho-mqtt and arrow
// need to be imported, themselves included.
var pythonModules = []string{
	"arrow", "async_timeout", "certifi", "chardet", "charset_normalizer", "dateutil", "deprecated", "idna", "jinja2", "jmespath", "markupsafe",
	"packaging", "paho", "pydantic", "redis", "requests", "six.py", "typing_extensions.py", "urllib3", "wrapt",
}

// javaLibraries is where Debian keeps its packages' jars.
const javaLibraries = "/usr/share/java"

var javaJars = []string{
	"commons-codec.jar", "commons-logging.jar", "gson.jar", "httpclient.jar", "httpcore.jar",
	"jackson-annotations.jar", "jackson-core.jar", "jackson-databind.jar",
}

// addPython puts the Python libraries below deps/, where Apps of this generation carry them: source
// and extension modules only, as pip on a build machine with PYTHONDONTWRITEBYTECODE would leave them.
func addPython(files map[string][]byte) error { return addModules(files, pythonModules...) }

// addPaho puts paho-mqtt 1.x there, the MQTT client of TcEx 2 and 3.
func addPaho(files map[string][]byte) error { return addModules(files, "paho") }

func addModules(files map[string][]byte, names ...string) error {
	for _, name := range names {
		root := filepath.Join(pythonLibraries, name)
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "__pycache__" || d.Name() == "tests"):
				return fs.SkipDir
			case !d.Type().IsRegular():
				return nil
			}
			rel, err := filepath.Rel(pythonLibraries, p)
			if err != nil {
				return err
			}
			files[path.Join("deps", filepath.ToSlash(rel))], err = os.ReadFile(p)
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoLibraries, err)
		}
	}
	return nil
}

// addJars puts the Java libraries beside an App's own jar.
func addJars(files map[string][]byte) error {
	for _, name := range javaJars {
		data, err := os.ReadFile(filepath.Join(javaLibraries, name))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoLibraries, err)
		}
		files[name] = data
	}
	return nil
}

// jars are the paths of the Java libraries, for the compiler.
func jars(files map[string][]byte, dir string) ([]string, error) {
	var list []string
	for name, data := range files {
		if !strings.HasSuffix(name, ".jar") {
			continue
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return nil, err
		}
		list = append(list, file)
	}
	slices.Sort(list)
	return list, nil
}
