package apps

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Compile turns src/**.java of files into one jar, with the jars among the files as libraries, and
// drops the sources.
func Compile(files map[string][]byte) (map[string][]byte, error) {
	javac, err := exec.LookPath("javac")
	if err != nil {
		return nil, ErrNoJDK
	}
	temp, err := os.MkdirTemp("", "java-app-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	out := filepath.Join(temp, "classes")
	libraries, err := jars(files, temp)
	if err != nil {
		return nil, err
	}
	args := []string{"--release", "17", "-encoding", "UTF-8", "-d", out, "-cp", strings.Join(libraries, string(os.PathListSeparator))}
	rest := make(map[string][]byte)
	for name, data := range files {
		if !strings.HasSuffix(name, ".java") {
			rest[name] = data
			continue
		}
		file := filepath.Join(temp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return nil, err
		}
		args = append(args, file)
	}
	if output, err := exec.Command(javac, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling: %w: %s", err, output)
	}
	classes := map[string][]byte{"META-INF/MANIFEST.MF": []byte("Manifest-Version: 1.0\n\n")}
	err = filepath.WalkDir(out, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(out, p)
		if err != nil {
			return err
		}
		classes[filepath.ToSlash(rel)], err = os.ReadFile(p)
		return err
	})
	if err != nil {
		return nil, err
	}
	rest["test-app-jar-with-dependencies.jar"], err = archive("", classes)
	return rest, err
}
