package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/app/bytecode"
	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/disk"
	"tcenvsvr/test/need"
)

// compiler is the real one, for any interpreter that a test names.
type compiler struct {
	*bytecode.Compiler
	interpreter string
	broken      error
	runs        int
}

func (c *compiler) Interpreter(m tcx.Manifest) string { return c.interpreter }

func (c *compiler) Compile(ctx context.Context, dir string, m tcx.Manifest, old *bytecode.Record, stage string) (*bytecode.Set, error) {
	c.runs++
	if c.broken != nil {
		return nil, c.broken
	}
	return c.Compiler.Compile(ctx, dir, m, old, stage)
}

func newCompiler(t testing.TB, folder string) *compiler {
	t.Helper()
	python := need.Python(t)
	jobs, err := job.NewExecutor(job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &compiler{interpreter: "this", Compiler: bytecode.New(build.Config{
		Jobs: jobs, Execution: func() launch.Execution { return launch.Execution{PythonHome311: python} },
		World: func(context.Context) (job.Isolation, error) { return job.Isolation{}, nil },
		Folder: func() (string, string, func(), error) {
			dir, err := os.MkdirTemp(folder, "build-")
			return "build", dir, func() { _ = os.RemoveAll(dir) }, errors.Join(err, janitor.Make(dir))
		},
	})}
}

// modular is an App of a few modules; run.py says how many of them Python had to compile.
func modular(t testing.TB) tcxFile {
	t.Helper()
	files, err := apps.Files("noop")
	if err != nil {
		t.Fatal(err)
	}
	files["run.py"] = []byte(`import sys
seen = []
sys.addaudithook(lambda event, args: seen.append(args[1]) if event == "compile" and args[1] else None)
sys.path.insert(0, "deps")
import one, two.three
assert (one.X, two.three.X) == (1, 3)
print(sum(1 for s in seen if "<" not in str(s)))
`)
	files["deps/one.py"], files["deps/two/__init__.py"], files["deps/two/three.py"] = []byte("X = 1\n"), nil, []byte("X = 3\n")
	file := filepath.Join(t.TempDir(), "modular.tcx")
	if err := apps.Pack(file, files); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return named(data, "1.0.0")
}

// compiledItself is how many modules Python compiled when the App was run.
func compiledItself(t testing.TB, dir string) string {
	t.Helper()
	cmd := exec.Command(need.Python(t), "run.py")
	cmd.Dir, cmd.Env = dir, []string{"PYTHONDONTWRITEBYTECODE=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("running the App: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// pycs are the bytecode in an installation, with contents.
func pycs(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".pyc") {
			var data []byte
			data, err = os.ReadFile(path)
			all[path] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// compileAll does what Run does, and returns when nothing is left to compile.
func (c *Catalog) compileAll(t testing.TB) {
	t.Helper()
	for c.compiling.Next(t.Context(), c.compile) {
	}
}

// compiledApp is an installed App with its bytecode.
func compiledApp(t *testing.T) (*Catalog, *compiler, tcxFile, App) {
	t.Helper()
	x, comp := modular(t), newCompiler(t, t.TempDir())
	c, err := Open(CatalogConfig{Dir: t.TempDir(), Compiler: comp})
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	if n := compiledItself(t, app.Dir); n != "3" {
		t.Fatalf("without bytecode Python compiled %s modules", n)
	}
	c.Started(app)
	c.compileAll(t)
	if n := compiledItself(t, app.Dir); n != "0" || len(pycs(t, app.Dir)) != 4 {
		t.Fatalf("with bytecode Python compiled %s modules; problems: %+v", n, c.Bytecode().Problems)
	}
	return c, comp, x, app
}

// TestCompiledOnce: not again when nothing has changed, by this catalog or the next, and again for
// another interpreter.
func TestCompiledOnce(t *testing.T) {
	c, comp, x, app := compiledApp(t)
	for name, c := range map[string]*Catalog{"same": c, "after a restart": reopen(t, c)} {
		if _, ok := c.Lookup(x.ref); !ok {
			t.Errorf("%s: the App is lost", name)
		}
		c.Started(app)
		c.compileAll(t)
		if comp.runs != 1 || len(c.Damages()) > 0 {
			t.Errorf("%s: compiled %d times, damages %+v", name, comp.runs, c.Damages())
		}
	}
	comp.interpreter = "updated"
	c.Started(app)
	c.Started(app)
	c.compileAll(t)
	c.Started(app)
	c.compileAll(t)
	if comp.runs != 2 || compiledItself(t, app.Dir) != "0" {
		t.Errorf("for another interpreter: compiled %d times", comp.runs)
	}
	if _, ok := c.Lookup(x.ref); !ok || len(c.Damages()) > 0 {
		t.Errorf("found: %v, damages: %+v", ok, c.Damages())
	}
	comp.interpreter = ""
	c.Started(app)
	if n := c.Bytecode().Pending; n != 0 {
		t.Errorf("without an interpreter %d Apps are to be compiled", n)
	}
}

func reopen(t *testing.T, c *Catalog) *Catalog {
	t.Helper()
	again, err := Open(c.CatalogConfig)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// TestRunCompiles: a started App is compiled while the catalog runs, and not when it is only
// installed: a policy may deny it.
func TestRunCompiles(t *testing.T) {
	x, comp := modular(t), newCompiler(t, t.TempDir())
	c, err := Open(CatalogConfig{Dir: t.TempDir(), Compiler: comp})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	app, err := c.Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	if n := c.Bytecode().Pending; n != 0 {
		t.Errorf("%d Apps are to be compiled before any was started", n)
	}
	c.Started(app)
	for until := time.Now().Add(time.Minute); c.Bytecode().Pending > 0 && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := compiledItself(t, app.Dir); n != "0" {
		t.Errorf("Python compiled %s modules", n)
	}
	comp.interpreter = "another"
	c.Started(app) // and the agent stops
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if left := c.leftovers(t); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

// TestDamagedBytecode: an App is never started with damaged bytecode. It is not downloaded again
// for it; the bytecode is removed, and compiled again.
func TestDamagedBytecode(t *testing.T) {
	c, _, x, app := compiledApp(t)
	sound := pycs(t, app.Dir)
	targets := []string{c.recordOf(x.ref.SHA256)}
	for path := range sound {
		targets = append(targets, path)
	}
	restarted := false
	for _, path := range targets {
		for how, damage := range disk.Damages {
			before := len(c.Damages())
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			if restarted = !restarted; restarted {
				c, before = reopen(t, c), 0
			}
			if _, ok := c.Lookup(x.ref); !ok {
				t.Fatalf("%s %s: the App is to be downloaded again", path, how)
			}
			for name, data := range pycs(t, app.Dir) {
				if data != sound[name] {
					t.Fatalf("%s %s: %s is damaged, and there", path, how, name)
				}
			}
			compiledItself(t, app.Dir)
			if d := c.Damages(); len(d) != before+1 && path != targets[0] && before < maxDamages || len(d) > 0 && !d[len(d)-1].Bytecode {
				t.Errorf("%s %s: damages %+v", path, how, d)
			}
			c.Started(app)
			c.compileAll(t)
			if again := pycs(t, app.Dir); len(again) != len(sound) {
				t.Fatalf("%s %s, restarted %v: %d files were compiled again", path, how, restarted, len(again))
			}
		}
	}
	if d := c.Damages(); !strings.Contains(d[0].String(), "compiled again") {
		t.Errorf("it is told as %q", d[0])
	}
}

// TestVerifyReadsBytecode: a disk may change what no time tells.
func TestVerifyReadsBytecode(t *testing.T) {
	c, _, x, app := compiledApp(t)
	for path := range pycs(t, app.Dir) {
		if err := disk.Damages["zeroed"](path); err != nil {
			t.Fatal(err)
		}
		break
	}
	c.Verify(t.Context(), 0)
	if len(pycs(t, app.Dir)) != 3 || len(c.Damages()) != 1 {
		t.Errorf("damages: %+v", c.Damages())
	}
	if _, ok := c.Lookup(x.ref); !ok {
		t.Error("the App is to be downloaded again")
	}
}

// TestTouchedBytecodeStays: a copy of the home is no damage.
func TestTouchedBytecodeStays(t *testing.T) {
	c, comp, x, app := compiledApp(t)
	for path := range pycs(t, app.Dir) {
		if err := os.Chtimes(path, time.Now(), time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		c = reopen(t, c)
		if _, ok := c.Lookup(x.ref); !ok || len(c.Damages()) > 0 || len(pycs(t, app.Dir)) != 4 {
			t.Errorf("found: %v, damages: %+v", ok, c.Damages())
		}
		c.Started(app)
		c.compileAll(t)
	}
	if comp.runs != 1 {
		t.Errorf("compiled %d times", comp.runs)
	}
}

// TestAppsRunWithoutACompiler: a compiler that fails costs nothing but the bytecode, is not tried
// at each start, and is told of once.
func TestAppsRunWithoutACompiler(t *testing.T) {
	comp := newCompiler(t, t.TempDir())
	comp.broken = errors.New("no luck")
	c, err := Open(CatalogConfig{Dir: t.TempDir(), Compiler: comp})
	if err != nil {
		t.Fatal(err)
	}
	var found []App
	for _, x := range []tcxFile{modular(t), noop(t, "1.0.0")} {
		app, err := c.Install(t.Context(), x.ref, x.fetch)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, app)
		for range 3 {
			c.Started(app)
			c.compileAll(t)
			if _, ok := c.Lookup(x.ref); !ok {
				t.Error("the App is lost")
			}
		}
	}
	if p := c.Bytecode().Problems; len(p) != 1 || p[0].What != "no luck" || comp.runs != 2 {
		t.Errorf("compiled %d times; problems: %+v", comp.runs, p)
	}
	if n := compiledItself(t, found[0].Dir); n != "3" {
		t.Errorf("Python compiled %s modules", n)
	}
	comp.broken, comp.interpreter = nil, "mended"
	c.Started(found[0])
	c.compileAll(t)
	if n := compiledItself(t, found[0].Dir); n != "0" {
		t.Errorf("with another interpreter Python compiled %s modules", n)
	}
}

// TestPrunedWhileItIsCompiled: what is compiled of an App that is gone is gone, too.
func TestPrunedWhileItIsCompiled(t *testing.T) {
	x, comp := modular(t), newCompiler(t, t.TempDir())
	c, err := Open(CatalogConfig{Dir: t.TempDir(), Compiler: comp})
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	c.step = func(string) {
		if _, err := c.Prune(0, func(App) bool { return false }); err != nil {
			t.Error(err)
		}
	}
	c.Started(app)
	c.compileAll(t)
	for _, path := range []string{app.Dir, c.recordOf(x.ref.SHA256), c.sealOf(x.ref.SHA256)} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", path, err)
		}
	}
	if left := c.leftovers(t); len(left) > 0 || len(c.Bytecode().Problems) > 0 {
		t.Errorf("left over: %q, problems %+v", left, c.Bytecode().Problems)
	}
}
