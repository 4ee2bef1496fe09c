package bytecode

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/disk/space"
	"tcenvsvr/agent/job"
)

//go:embed compile.py
var program []byte

// What one compilation may cost.
const (
	timeout       = 5 * time.Minute  // of all of an App; what is compiled by then is used
	sourceTimeout = 30 * time.Second // of one source
	sourceMemory  = 512 << 20        // bytes of address space of one worker
	jobMemory     = 1 << 30          // bytes of all together, where a control group bounds them
	jobTasks      = 16
	cpuWeight     = 10 // of the usual 100: Apps go first
	maxWorkers    = 4  // processes that compile
)

// ErrExposed means that nothing is compiled, because another App could change what is.
var ErrExposed = errors.New("Apps are not kept apart from each other's files here, so another App could change its bytecode")

// Jobs runs the compiler.
type Jobs interface {
	Start(context.Context, job.Launch) (*job.Process, error)
}

// Config of a Compiler. All fields without a stated default are needed.
type Config struct {
	Jobs Jobs
	// Sandboxed: jobs run as a user whom all Apps share.
	Sandboxed bool
	// Execution is what every App is told. It is asked for each start of an App and takes no time.
	Execution func() launch.Execution
	// World is what a job sees of the host.
	World func(context.Context) (job.Isolation, error)
	// Folder makes the folder of a job. The caller calls remove.
	Folder func(context.Context) (session, dir string, remove func(), err error)
	// Timeout of one App; default 5 minutes.
	Timeout time.Duration
}

// Compiler compiles the sources of Apps in jobs of their own. Several goroutines may use it.
type Compiler struct {
	Config

	mu      sync.Mutex
	pythons map[string]*Python // by identity
}

// New returns a Compiler.
func New(c Config) *Compiler {
	c.Timeout = cmp.Or(c.Timeout, timeout)
	return &Compiler{Config: c, pythons: map[string]*Python{}}
}

// Interpreter is the identity of the program that runs the App, "" if it has no use for bytecode.
func (c *Compiler) Interpreter(m tcx.Manifest) string {
	python, ok := c.Execution().Python(m)
	if !ok {
		return ""
	}
	return identity(python)
}

// Compile compiles the sources of the App in dir, and puts what came of it into the empty folder
// stage. A source is left out if the package brought bytecode of it, by old, that Python uses. An
// error beside a Set says why there is not more in it.
func (c *Compiler) Compile(ctx context.Context, dir string, m tcx.Manifest, old *Record, stage string) (*Set, error) {
	file, ok := c.Execution().Python(m)
	if !ok {
		return nil, errors.New("there is no interpreter for it")
	}
	python, err := c.python(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("asking %q for its version: %w", file, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	sources, bytes, err := sourcesIn(ctx, root, python.Tag)
	if err == nil {
		err = space.Check(stage, 2*bytes+reserve)
	}
	if err != nil {
		return nil, err
	}
	set := &Set{stage: stage}
	brought := make(map[string]bool, len(old.Brought))
	for _, f := range old.Brought {
		brought[f.Name] = true
	}
	sources = slices.DeleteFunc(sources, func(s source) bool { return brought[s.pyc] && python.uses(root, s) })
	if len(sources) == 0 {
		return set, nil
	}
	err = c.run(ctx, file, dir, sources, func(out *os.Root) error { return set.collect(ctx, python, root, out, sources) })
	return set, err
}

// reserve is what stays free on the disk, in bytes.
const reserve = 16 << 20

// uses reports whether Python uses the bytecode that is there of a source.
func (p *Python) uses(root *os.Root, s source) bool {
	data, _, err := read(root, s.pyc, maxPyc)
	if err != nil {
		return false
	}
	text, info, err := read(root, s.name, maxSource)
	return err == nil && p.usable(data, text, info)
}

// python is what an interpreter says of itself. It is asked once, and not by the job that sees
// foreign sources.
func (c *Compiler) python(ctx context.Context, file string) (*Python, error) {
	id := identity(file)
	c.mu.Lock()
	p := c.pythons[id]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	err := c.run(ctx, file, "", nil, func(out *os.Root) error {
		data, _, err := read(out, "about", maxAbout)
		if err == nil {
			p, err = decodePython(data)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pythons[id] = p
	return p, nil
}

// input is what compile.py reads.
type input struct {
	Out     string   `json:"out"`
	Dir     string   `json:"dir"`
	Sources []string `json:"sources"`
	Workers int      `json:"workers"`
	Seconds int      `json:"seconds"`
	Memory  int64    `json:"memory"`
}

// run runs compile.py as a job, and collect when nothing of the job lives any more, unless ctx has
// ended. The job ends with the agent.
func (c *Compiler) run(ctx context.Context, python, dir string, sources []source, collect func(out *os.Root) error) (err error) {
	e := c.Execution()
	if e.Isolation, err = c.World(ctx); err != nil {
		return err
	}
	if l := e.Isolation.Level; c.Sandboxed && l != job.IsolationFiles && l != job.IsolationFull {
		return ErrExposed
	}
	session, folder, remove, err := c.Folder(ctx)
	if err != nil {
		return err
	}
	defer remove()
	e.Session, e.JobDir = session, folder
	e.Timeout, e.Grace, e.MaxOutput = c.Timeout, time.Second, 64<<10
	limits := job.Limits{Memory: jobMemory, Tasks: jobTasks, CPUWeight: cpuWeight}
	e.Limits = e.Limits.Within(limits)
	e.Limits.FileSize = maxPyc

	in := input{
		Out: filepath.Join(folder, "out"), Dir: dir, Sources: []string{},
		Workers: min(maxWorkers, runtime.NumCPU()), Seconds: int(sourceTimeout.Seconds()), Memory: sourceMemory,
	}
	for _, s := range sources {
		in.Sources = append(in.Sources, s.name)
	}
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var show []string
	if dir != "" {
		show = append(show, dir)
	}
	l := e.Script(python, program, data, show...)
	l.Tied = true
	ended := c.await(ctx, l)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return errors.Join(ended, err)
	}
	defer root.Close()
	out, err := root.OpenRoot("out")
	if err != nil {
		return errors.Join(ended, err)
	}
	defer out.Close()
	err = collect(out)
	return cmp.Or(ended, err)
}

// await runs the job and returns how it ended, if that was not by itself and in order.
func (c *Compiler) await(ctx context.Context, l job.Launch) error {
	process, err := c.Jobs.Start(ctx, l)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = process.Cancel(context.WithoutCancel(ctx)) })
	defer stop()
	exit, err := process.Wait(context.WithoutCancel(ctx))
	switch {
	case err != nil:
		return err
	case exit.Reason == job.ReasonTimedOut:
		return fmt.Errorf("the compiler was ended after %s", c.Timeout)
	case exit.Reason != "":
		return fmt.Errorf("the compiler was ended: %s %s", exit.Reason, exit.Error)
	case exit.Signal != "":
		return fmt.Errorf("the compiler was ended by signal %s", exit.Signal)
	case exit.Code != 0:
		return fmt.Errorf("the compiler ended with code %d: %s", exit.Code, lastLine(exit.StderrTail))
	}
	return nil
}
