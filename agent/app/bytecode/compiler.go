package bytecode

import (
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

	"tcenvsvr/agent/app/build"
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
	maxWorkers    = 4 // processes that compile
)

// Compiler compiles the sources of Apps in jobs of their own. Several goroutines may use it.
type Compiler struct {
	// Build says how the jobs are run.
	Build build.Config
	// Timeout of one App; 5 minutes unless changed.
	Timeout time.Duration

	mu      sync.Mutex
	pythons map[string]*Python // by identity
}

// New returns a Compiler.
func New(c build.Config) *Compiler {
	return &Compiler{Build: c, Timeout: timeout, pythons: map[string]*Python{}}
}

// Interpreter is the identity of the program that runs the App, "" if it has no use for bytecode.
func (c *Compiler) Interpreter(m tcx.Manifest) string {
	python, ok := c.Build.Execution().Python(m)
	if !ok {
		return ""
	}
	return identity(python)
}

// Compile compiles the sources of the App in dir, and puts what came of it into the empty folder
// stage. A source is left out if the package brought bytecode of it, by old, that Python uses. An
// error beside a Set says why there is not more in it.
func (c *Compiler) Compile(ctx context.Context, dir string, m tcx.Manifest, old *Record, stage string) (*Set, error) {
	file, ok := c.Build.Execution().Python(m)
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
func (c *Compiler) run(ctx context.Context, python, dir string, sources []source, collect func(out *os.Root) error) error {
	cost := build.Cost{Timeout: c.Timeout, Memory: jobMemory, Tasks: jobTasks, FileSize: maxPyc, Partial: true}
	return c.Build.Run(ctx, cost, func(e launch.Execution) (job.Launch, error) {
		in := input{
			Out: filepath.Join(e.JobDir, "out"), Dir: dir, Sources: []string{},
			Workers: min(maxWorkers, runtime.NumCPU()), Seconds: int(sourceTimeout.Seconds()), Memory: sourceMemory,
		}
		for _, s := range sources {
			in.Sources = append(in.Sources, s.name)
		}
		data, err := json.Marshal(in)
		if err != nil {
			return job.Launch{}, err
		}
		var show []string
		if dir != "" {
			show = append(show, dir)
		}
		return e.Script(python, program, data, show...), nil
	}, collect)
}
