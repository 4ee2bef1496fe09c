package isolation

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Level is how far an App is kept apart from all others. Each one includes those below it.
type Level string

// Levels, from nothing to everything.
const (
	// Off: only the user differs from the agent's.
	Off Level = "off"
	// Filtered: no new privileges, and the kernel refuses the system calls by which one process
	// gets at another or at more rights; Landlock where the kernel has it.
	Filtered Level = "filtered"
	// Files: mount and IPC namespaces besides: the App sees its own files only. It still sees, and
	// can signal, other processes of its user.
	Files Level = "files"
	// Full: a PID namespace and a /proc of its own besides.
	Full Level = "full"
)

// Plan says what an App's world looks like. Paths are absolute.
type Plan struct {
	Level Level `json:"level"`
	// Hide are folders that are empty in there, but for what Show and Keep have in them. Those that
	// are not there are skipped.
	Hide []string `json:"hide,omitempty"`
	// Show are files and folders below hidden ones that can be read. Those that are not there are
	// skipped.
	Show []string `json:"show,omitempty"`
	// Keep are folders below hidden ones that the App writes to.
	Keep []string `json:"keep,omitempty"`
	// Lock are file systems, each where it is mounted, that the App sees and cannot change.
	Lock []string `json:"lock,omitempty"`
	// Tmp is the folder that is /tmp and /var/tmp; "" = an empty one in memory.
	Tmp string `json:"tmp,omitempty"`
	// Files are in [Memory] when the App starts, and gone with its world: from level Files on.
	Files []File `json:"files,omitempty"`
}

// Memory is the folder of every world, from level Files on, that is empty, the App's to write to, and nowhere on
// a disk, on a host that has it.
const Memory = "/dev/shm"

// File is a file in [Memory] that only the App's user can read.
type File struct {
	Name string `json:"name"` // without a folder
	Data []byte `json:"data"`
}

// On reports whether the App is isolated at all.
func (p *Plan) On() bool { return p.Level != "" && p.Level != Off }

// Validate reports the first field that cannot be obeyed.
func (p *Plan) Validate() error {
	switch p.Level {
	case "", Off, Filtered, Files, Full:
	default:
		return fmt.Errorf("isolation level %.20q is unknown", p.Level)
	}
	for _, f := range p.Files {
		if p.Level != Files && p.Level != Full {
			return fmt.Errorf("isolation level %.20q has no folder in memory for file %.100q", p.Level, f.Name)
		}
		if f.Name == "." || f.Name == ".." || f.Name == "" || strings.ContainsAny(f.Name, "/\x00") {
			return fmt.Errorf("isolation: %.100q is no name of a file", f.Name)
		}
	}
	for _, list := range [][]string{p.Hide, p.Show, p.Keep, p.Lock, {p.Tmp}} {
		for _, path := range list {
			if path != "" && (!filepath.IsAbs(path) || path == "/") {
				return fmt.Errorf("isolation: %q is not an absolute path below /", path)
			}
		}
	}
	return nil
}
