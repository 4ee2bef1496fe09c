package spec

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/warm"
)

// Defaults of a Launch.
const (
	DefaultGrace     = 10 * time.Second
	DefaultMaxOutput = 10 << 20
)

// Launch is everything that a shim needs to know. It travels by the shim's stdin, never by argv or
// environment, and is never printed: Env and Files hold secrets.
type Launch struct {
	ID      string   `json:"id"`                 // session name, 1–128 of A–Z a–z 0–9 . _ -
	Dir     string   `json:"dir"`                // the job's folder, absolute; the shim's files are in Dir/shim
	Argv    []string `json:"argv"`               // Argv[0] absolute
	Env     []string `json:"env"`                // the complete environment of the App
	WorkDir string   `json:"work_dir,omitempty"` // of the App, absolute; "" = Dir
	// Timeout of the run; 0 = none.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Grace is the time between TERM and KILL; 0 = DefaultGrace.
	Grace time.Duration `json:"grace,omitempty"`
	// MaxOutput is the number of bytes that are kept from the beginning of each of stdout and
	// stderr; 0 = DefaultMaxOutput. The last 64 KiB are kept as well.
	MaxOutput int64  `json:"max_output,omitempty"`
	Limits    Limits `json:"limits"`
	// Isolation says what the App sees of the host; the zero value hides nothing.
	Isolation isolation.Plan `json:"isolation,omitzero"`
	// Template makes the job a template (package warm): Argv is the fork server's Python. It is
	// isolated fully. It ends when its owner no longer waits for it and its last order has ended.
	Template bool `json:"template,omitempty"`
	// Key is what an order's shim must know to have this template fork: the address of its socket is in
	// /proc/net/unix, which Apps see. A template without one forks for nobody.
	Key string `json:"key,omitempty"`
	// Warm is the template that is to fork the App; nil = none. If it cannot, the App is executed.
	Warm *Warm `json:"warm,omitempty"`
	// Program is what a template of the App runs; nil = no template can be made of it. It stays with
	// the agent.
	Program *warm.Program `json:"-"`
	// Files are written before the App starts and removed after its end.
	Files []File `json:"files,omitempty"`
	// Keep are files that stay as the App itself left them at its end: changes by processes that it
	// left behind are undone. Absolute or relative to Dir.
	Keep []string `json:"keep,omitempty"`
	// Logs is the folder in which the App writes logs, whatever their names; they are gathered in
	// one output. Absolute or relative to Dir; "" = none.
	Logs string `json:"logs,omitempty"`
	// Tied ends the job like a cancel when its owner no longer waits for it: the job of a command
	// in the foreground ends with the command, also when that is killed.
	Tied bool `json:"tied,omitempty"`
	// OwnerUID is the user who may cancel and wait, beside root and the sandbox user.
	// Executor.Start sets it.
	OwnerUID int `json:"owner_uid"`
	// Network is the owner's network namespace (sock.Network); "" = not known. Executor.Start sets it.
	Network string `json:"network,omitempty"`
}

// Warm names a template by its folder and its shim, and has its key.
type Warm struct {
	Dir   string `json:"dir"`
	Shim  int    `json:"shim"`
	Token string `json:"token"`
	Key   string `json:"key"`
}

// Limits of one job; 0 = inherited. Core dumps are always off: they would hold the App's secrets.
//
// Memory, Tasks and CPUWeight hold for all processes of the job together: on Linux where a control
// group was delegated (package cgroup), on Windows, which has no CPUWeight, always. The others are
// rlimits of Linux. Processes is what can be done where Tasks cannot, and is not set where it can.
// Other systems know no limits.
type Limits struct {
	Memory    uint64 `json:"memory,omitempty"`     // bytes
	Tasks     uint64 `json:"tasks,omitempty"`      // processes and threads
	CPUWeight uint64 `json:"cpu_weight,omitempty"` // 1-10000; 100 is usual

	OpenFiles uint64 `json:"open_files,omitempty"`
	Processes uint64 `json:"processes,omitempty"` // and threads, of all that the sandbox user runs
	FileSize  uint64 `json:"file_size,omitempty"` // bytes
}

// Names of the limits that hold for all processes of one job together.
const (
	LimitMemory = "memory"
	LimitTasks  = "tasks"
	LimitCPU    = "cpu"
)

// Within are the limits where those of asked are lower, or the only ones. Nothing that is asked for
// raises a limit.
func (l Limits) Within(asked Limits) Limits {
	lower := func(own *uint64, asked uint64) {
		if asked > 0 && (*own == 0 || asked < *own) {
			*own = asked
		}
	}
	lower(&l.Memory, asked.Memory)
	lower(&l.Tasks, asked.Tasks)
	lower(&l.CPUWeight, asked.CPUWeight)
	return l
}

// File is written for the App as the sandbox user.
type File struct {
	Path string      `json:"path"` // in Dir: absolute or relative to it
	Mode fs.FileMode `json:"mode"` // permission bits; 0 = 0600
	Data []byte      `json:"data"`
}

// letters are compared one by one: compiling a regular expression would cost every start half a
// millisecond.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Validate returns an error for the first field that is not acceptable. It names fields and paths,
// never values of Env or Data.
func (l *Launch) Validate() error {
	switch {
	case len(l.ID) > 128 || strings.Trim(l.ID, ".") == "" || strings.Trim(l.ID, letters+"._-") != "":
		return fmt.Errorf("id %.130q is not 1 to 128 of A-Z a-z 0-9 . _ -", l.ID)
	case !filepath.IsAbs(l.Dir):
		return fmt.Errorf("dir %q is not absolute", l.Dir)
	case len(l.Argv) == 0 || !filepath.IsAbs(l.Argv[0]):
		return fmt.Errorf("argv[0] is missing or not absolute")
	case l.WorkDir != "" && !filepath.IsAbs(l.WorkDir):
		return fmt.Errorf("work dir %q is not absolute", l.WorkDir)
	case l.Isolation.Validate() != nil:
		return l.Isolation.Validate()
	case l.Template && (l.Isolation.Level != isolation.Full || l.Warm != nil):
		return fmt.Errorf("a template is isolated fully, and has none itself")
	case l.Warm != nil && (l.Isolation.Level != isolation.Full || !filepath.IsAbs(l.Warm.Dir) || l.Warm.Shim < 2):
		return fmt.Errorf("a template forks for Apps that are isolated fully, and has a folder and a shim")
	case l.Timeout < 0 || l.Grace < 0 || l.MaxOutput < 0:
		return fmt.Errorf("timeout, grace or max output is negative")
	case slices.ContainsFunc(l.Argv, unfit) || slices.ContainsFunc(l.Env, unfit) || unfit(l.Dir) || unfit(l.WorkDir):
		return fmt.Errorf("an argument, a variable or a path contains a zero byte or is not UTF-8")
	}
	for i, v := range l.Env {
		if strings.IndexByte(v, '=') < 1 {
			return fmt.Errorf("env[%d] is not NAME=value", i)
		}
	}
	for _, path := range l.within() {
		if _, err := l.relative(path); err != nil {
			return err
		}
	}
	for _, f := range l.Files {
		if f.Mode&^fs.ModePerm != 0 {
			return fmt.Errorf("mode %v of file %q has more than permission bits", f.Mode, f.Path)
		}
	}
	return nil
}

// within are all paths that must be in Dir.
func (l *Launch) within() []string {
	paths := slices.Clone(l.Keep)
	for _, f := range l.Files {
		paths = append(paths, f.Path)
	}
	if l.Logs != "" {
		paths = append(paths, l.Logs)
	}
	return paths
}

// FilePaths are the paths of Files relative to Dir. The launch must be valid.
func (l *Launch) FilePaths() []string {
	var paths []string
	for _, f := range l.Files {
		paths = append(paths, l.Relative(f.Path))
	}
	return paths
}

// Relative is path relative to Dir. The launch must be valid.
func (l *Launch) Relative(path string) string {
	rel, _ := l.relative(path)
	return rel
}

func (l *Launch) relative(path string) (string, error) {
	rel := path
	if filepath.IsAbs(path) {
		var err error
		if rel, err = filepath.Rel(l.Dir, path); err != nil {
			return "", fmt.Errorf("file %q is not in %q", path, l.Dir)
		}
	}
	if !filepath.IsLocal(rel) || rel == "." {
		return "", fmt.Errorf("file %q is not in %q", path, l.Dir)
	}
	return rel, nil
}

// unfit reports texts that the system (zero bytes) or JSON (what is not UTF-8) does not accept.
func unfit(s string) bool { return strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) }

// String names the launch without its secrets.
func (l Launch) String() string { return "launch " + l.ID + " [redacted]" }

// Format prints String whatever the verb.
func (l Launch) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.String()) }

// LogValue is String.
func (l Launch) LogValue() slog.Value { return slog.StringValue(l.String()) }

// String names the file without its content.
func (f File) String() string { return "file " + f.Path + " [redacted]" }

// Format prints String whatever the verb.
func (f File) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// LogValue is String.
func (f File) LogValue() slog.Value { return slog.StringValue(f.String()) }
