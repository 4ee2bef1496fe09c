package app

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// templates are the Apps that "app new" makes, with NAME and other words in capitals to be filled in.
//
//go:embed template
var templates embed.FS

// appName is also a folder's name, a word of shells, and part of Playbook variables.
var appName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// kind is what sort of App is made.
type kind struct{ java, playbook bool }

func newCommand(e *env.Env) *cobra.Command {
	var k kind
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "make the folder of a small App that works",
		Long: `New makes the folder NAME with the smallest App that shows all there is to one: install.json,
which says what it is and which parameters it takes, and its program. It is a job in Python,
or what --java and --playbook say. How to make the package of it, to check and to run it is
printed.

  tcenvsvr app new hello
  tcenvsvr app new hello --java --playbook`,
		Args: cli.Exactly(1, "the App's name"),
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if !appName.MatchString(name) {
				return cli.Usage("app new: %.80q is no name for an App: a letter, then up to 63 letters, digits and _", name)
			}
			return makeApp(e, name, k)
		},
	}
	c.Flags().BoolVar(&k.java, "java", false, "in Java 17 instead of Python 3.11")
	c.Flags().BoolVar(&k.playbook, "playbook", false, "an App of Playbooks, which reads and writes variables, instead of a job")
	return c
}

func makeApp(e *env.Env, name string, k kind) error {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("making App %q: there is a file or folder of this name already", name)
	}
	if err := e.Folder(name); err != nil {
		return fmt.Errorf("making App %q: %w", name, err)
	}
	made := files(name, k)
	for _, file := range slices.Sorted(maps.Keys(made)) {
		path := filepath.Join(name, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), writeNew(path, made[file])); err != nil {
			return fmt.Errorf("making App %q: %w", name, err)
		}
		fmt.Fprintf(e.Stderr, "made %s\n", path)
	}
	fmt.Fprintln(e.Stderr, "next, and again after each change:")
	if k.java {
		fmt.Fprintf(e.Stdout, "  javac --release 17 -d %s/classes %[1]s/src/*.java\n", name)
	}
	fmt.Fprintf(e.Stdout, "  python3 -m zipfile -c %s.tcx %[1]s\n  tcenvsvr app check %[1]s.tcx\n  tcenvsvr app run %[1]s.tcx --param who=you --no-sandbox\n", name)
	return nil
}

// files are those of the App, by their names in its folder.
func files(name string, k kind) map[string]string {
	level, sample, more := "Organization", "job", ""
	if k.playbook {
		level, sample = "Playbook", "playbook"
		more = fmt.Sprintf(",\n  \"playbook\": {\n    \"outputVariables\": [{\"name\": \"%s.greeting\", \"type\": \"String\"}]\n  }", name)
	}
	source, program, language, version, main := "python/"+sample+".py", "run.py", "PYTHON", "3.11", "run.py"
	if k.java {
		source, program, language, version, main = "java/"+sample+".java", "src/Main.java", "JAVA", "17", "Main"
		more = ",\n  \"javaClasspath\": [\"classes\"]" + more
	}
	read := func(file string) string {
		text, _ := templates.ReadFile("template/" + file) // embedded
		return strings.ReplaceAll(string(text), "NAME", name)
	}
	fill := strings.NewReplacer("LANGUAGE", language, "VERSION", version, "LEVEL", level, "MAIN", main, "MORE", more)
	return map[string]string{program: read(source), "install.json": fill.Replace(read("install.json"))}
}

// Sample is the program of a job in Python, for the documents.
func Sample(name string) string { return files(name, kind{})["run.py"] }

func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
