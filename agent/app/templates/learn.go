package templates

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/job"
)

//go:embed learner.py
var learner []byte

const (
	// listFile is where a run leaves its list, in its job's folder.
	listFile = "in/.tc_modules"
	// maxList bounds what is read of it, in bytes; maxModules how many names are taken.
	maxList    = 1 << 20
	maxModules = 5000
	maxName    = 200
)

// learn makes a launch leave the list of modules that the App imports.
func learn(l *job.Launch) error {
	in := filepath.Join(l.Dir, "in")
	config, err := json.Marshal(map[string]string{"hook": in, "app": l.Program.App, "list": filepath.Join(l.Dir, listFile)})
	if err != nil {
		return err
	}
	source := slices.Concat([]byte("CONFIG = "), config, []byte("\n"), learner)
	l.Files = append(slices.Clip(l.Files), job.File{Path: filepath.Join(in, "sitecustomize.py"), Mode: 0o600, Data: source})
	l.Env = append(slices.Clip(l.Env), "PYTHONPATH="+in)
	return nil
}

// readList reads what a run has left, which is the App's word; nil if it left nothing.
func readList(dir, app string) ([]job.Module, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Lstat(listFile); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("reading the list of modules in %q: it is no regular file", dir))
	}
	f, err := root.OpenFile(listFile, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the list of modules: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("reading the list of modules in %q: it is no regular file", dir))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxList))
	if err != nil {
		return nil, fmt.Errorf("reading the list of modules: %w", err)
	}
	return parseList(data, app), nil
}

var (
	moduleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	libraries  = regexp.MustCompile(`^(deps|lib_[A-Za-z0-9._-]+)$`)
)

// parseList takes the lines "folder, tab, module" whose module is a file in a folder of bundled
// libraries of the App. All others are skipped, and no more than maxModules are looked for: an App can
// write a hundred thousand names into its list, and put as many files into its folders.
func parseList(data []byte, app string) []job.Module {
	root, err := os.OpenRoot(app)
	if err != nil {
		return nil
	}
	defer root.Close()
	var list []job.Module
	seen := map[job.Module]bool{}
	files := compiled{root: root, of: map[string][]string{}}
	for line := range bytes.Lines(data) {
		folder, name, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\t")
		m := job.Module{Root: filepath.Join(app, folder), Name: name}
		if len(name) > maxName || !libraries.MatchString(folder) || !moduleName.MatchString(name) || seen[m] {
			continue
		}
		if len(seen) == maxModules {
			break
		}
		if seen[m] = true; files.bundled(folder, name) {
			list = append(list, m)
		}
	}
	return list
}

// compiled knows the compiled modules of folders that were looked into: name.cpython-311-x86_64-linux-gnu.so.
type compiled struct {
	root *os.Root
	of   map[string][]string
}

// bundled reports whether the module is a file of the folder.
func (c compiled) bundled(folder, name string) bool {
	path := filepath.Join(folder, filepath.FromSlash(strings.ReplaceAll(name, ".", "/")))
	for _, file := range []string{path + ".py", filepath.Join(path, "__init__.py"), path + ".so"} {
		if info, err := c.root.Stat(file); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return slices.ContainsFunc(c.in(filepath.Dir(path)), func(n string) bool {
		return strings.HasPrefix(n, filepath.Base(path)+".")
	})
}

func (c compiled) in(dir string) []string {
	list, known := c.of[dir]
	if known {
		return list
	}
	if d, err := c.root.Open(dir + "/."); err == nil {
		names, _ := d.Readdirnames(maxModules)
		_ = d.Close()
		list = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".so") })
	}
	c.of[dir] = list
	return list
}

// learned is a list as it is kept.
type learned struct {
	App         string       `json:"app"`
	Interpreter string       `json:"interpreter"`
	Modules     []job.Module `json:"modules"`
}

func (k *Keeper) listPath(app, interpreter string) string {
	sum := sha256.Sum256([]byte(app + "\x00" + interpreter))
	return filepath.Join(k.Learned, hex.EncodeToString(sum[:16])+".json")
}

// remember keeps a list. It is not made durable: what is lost is learnt anew.
func (k *Keeper) remember(app, interpreter string, modules []job.Module) error {
	data, err := json.Marshal(learned{app, interpreter, modules})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(k.Learned, 0o700); err != nil {
		return fmt.Errorf("keeping a list of modules: %w", err)
	}
	return atomicfile.WriteFile(k.listPath(app, interpreter), data, 0o600)
}

// recall is the list that was kept; false if there is none. What is not as it was written is none.
func (k *Keeper) recall(app, interpreter string) ([]job.Module, bool) {
	data, err := os.ReadFile(k.listPath(app, interpreter))
	if err != nil {
		return nil, false
	}
	l, err := decodeLearned(data)
	if err != nil || l.App != app || l.Interpreter != interpreter {
		return nil, false
	}
	return l.Modules, true
}

func decodeLearned(data []byte) (learned, error) {
	var l learned
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return learned{}, fmt.Errorf("reading a list of modules: %w", err)
	}
	for _, m := range l.Modules {
		if !moduleName.MatchString(m.Name) || filepath.Dir(m.Root) != filepath.Clean(l.App) || !libraries.MatchString(filepath.Base(m.Root)) {
			return learned{}, errors.New("reading a list of modules: one is not the App's")
		}
	}
	if len(l.Modules) > maxModules {
		return learned{}, errors.New("reading a list of modules: too many")
	}
	return l, nil
}

// pruneLists removes the lists of Apps that are not installed any more.
func (k *Keeper) pruneLists() {
	entries, err := os.ReadDir(k.Learned)
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(k.Learned, e.Name())
		if data, err := os.ReadFile(path); err == nil {
			if l, err := decodeLearned(data); err == nil {
				if _, err := os.Stat(l.App); !errors.Is(err, os.ErrNotExist) {
					continue
				}
			}
		}
		_ = os.Remove(path)
	}
}
