package launch

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
)

// maxParams bounds all parameters of one App together, in bytes: they travel to the shim in one
// piece.
const maxParams = 4 << 20

// Build returns the command that runs the App in dir. It starts and writes nothing. Errors are
// *fault.Error.
func Build(dir string, m tcx.Manifest, e Execution) (job.Launch, error) {
	b := &builder{
		dir: dir, manifest: m, execution: e,
		in: filepath.Join(e.JobDir, "in"), out: filepath.Join(e.JobDir, "out"),
		log: filepath.Join(e.JobDir, "log"), tmp: filepath.Join(e.JobDir, "tmp"),
	}
	if !filepath.IsAbs(dir) || !filepath.IsAbs(e.JobDir) {
		return job.Launch{}, fault.New(fault.Unsupported, "launching App: folders %q and %q are not both absolute", dir, e.JobDir)
	}
	b.own = b.ownParams()
	var recipe func() ([]string, error)
	switch m.Language {
	case "python":
		recipe = b.python
	case "java":
		recipe = b.java
	default:
		return job.Launch{}, fault.New(fault.Unsupported, "launching App: programLanguage %.40q is neither Python nor Java", m.Language)
	}
	argv, err := recipe()
	if err != nil {
		return job.Launch{}, err
	}
	env, err := b.environment(filepath.Dir(argv[0]))
	if err != nil {
		return job.Launch{}, err
	}
	return job.Launch{
		ID: e.Session, Dir: e.JobDir, WorkDir: dir,
		Argv: argv, Env: env, Files: b.files,
		Logs: b.log, Keep: []string{filepath.Join(b.out, "message.tc"), filepath.Join(b.out, "results.tc")},
		Timeout: e.Timeout, Grace: e.Grace, MaxOutput: e.MaxOutput, Limits: e.Limits,
		Isolation: b.isolation(argv[0]), Program: b.program(env),
	}, nil
}

type builder struct {
	dir               string
	manifest          tcx.Manifest
	execution         Execution
	in, out, log, tmp string
	own               map[string]string // tc_* that this host sets
	files             []job.File
	inMemory          []job.MemoryFile
	target            []string // what Python starts, without arguments
}

// mode is how parameters are passed to the App.
type mode int

const (
	byFile mode = iota
	bySecure
	byArgs
)

// mode applies the order of precedence fileParams, secureParams, arguments. An App with secureParams
// takes arguments, too, if it is not told to ask: frameworks parse them first.
func (b *builder) mode() mode {
	switch {
	case b.manifest.Has("fileParams"):
		return byFile
	case b.manifest.Has("secureParams") && !b.execution.Bound:
		return bySecure
	}
	return byArgs
}

// params returns all parameters. Values of this host win over those of the App's configuration,
// which win over the cloud's defaults, which win over usualParams.
func (b *builder) params() map[string]string {
	return merge(b.usualParams(), b.defaults(), b.execution.AppParams, b.own)
}

// platform are the parameters that are not the App's own inputs.
func (b *builder) platform() map[string]string {
	return merge(b.usualParams(), b.defaults(), b.own)
}

// defaults are the cloud's. Where parameters are bound, none of them has the App ask for others.
func (b *builder) defaults() map[string]string {
	if !b.execution.Bound {
		return b.execution.Defaults
	}
	d := maps.Clone(b.execution.Defaults)
	delete(d, "tc_secure_params")
	delete(d, "tc_aot_enabled")
	return d
}

func merge(sources ...map[string]string) map[string]string {
	all := make(map[string]string)
	for _, m := range sources {
		maps.Copy(all, m)
	}
	return all
}

// arguments are the parameters that belong on a command line. With secureParams these are the
// platform's: the App asks for its own.
func (b *builder) arguments() (map[string]string, error) {
	args := b.params()
	if b.mode() == bySecure {
		args = b.platform()
	}
	for name, value := range args {
		if !argName.MatchString(name) {
			return nil, fault.New(fault.BadParam, "launching App: parameter %.80q has no name for a command line", name)
		}
		if strings.ContainsRune(value, 0) {
			return nil, fault.New(fault.BadParam, "launching App: the value of parameter %.80q contains a zero byte", name)
		}
	}
	return args, nil
}

// file adds a file that the shim writes for the App, and returns its path.
func (b *builder) file(name string, data []byte) string {
	path := filepath.Join(b.in, name)
	b.files = append(b.files, job.File{Path: path, Mode: 0o600, Data: data})
	return path
}

// paramFile adds the encrypted parameter file and returns the two variables that open it.
func (b *builder) paramFile() ([]string, error) {
	plain, err := json.Marshal(b.params())
	if err != nil {
		return nil, &fault.Error{Code: fault.BadParam, Err: err}
	}
	if len(plain) > maxParams {
		return nil, fault.New(fault.BadParam, "launching App: parameters of %d bytes, at most %d are possible", len(plain), maxParams)
	}
	key := newKey()
	const name = ".app_params.json"
	path := filepath.Join(job.Memory, name)
	if data := encrypt(key, plain); b.hasMemory() {
		b.inMemory = append(b.inMemory, job.MemoryFile{Name: name, Data: data})
	} else {
		path = b.file(name, data)
	}
	return []string{"TC_APP_PARAM_FILE=" + path, "TC_APP_PARAM_KEY=" + key}, nil
}

// hasMemory reports whether the App has a folder of its own in memory: what is there is on no disk, and costs
// none.
func (b *builder) hasMemory() bool {
	level := b.execution.Isolation.Level
	info, err := os.Stat(job.Memory)
	return (level == job.IsolationFiles || level == job.IsolationFull) && err == nil && info.IsDir()
}
