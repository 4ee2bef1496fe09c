package launch

import (
	"path/filepath"
	"slices"
	"strings"

	"tcenvsvr/agent/job"
)

// isolation is what this App sees: its own installation and its interpreter, which it cannot change,
// and its job's folder.
func (b *builder) isolation(interpreter string) job.Isolation {
	p := b.execution.Isolation
	if !p.On() {
		return p
	}
	p.Files = b.inMemory
	p.Show = append(slices.Clip(p.Show), b.dir)
	if b.execution.Classes.Archive != "" {
		p.Show = append(p.Show, b.execution.Classes.Archive)
	}
	return b.sees(p, interpreter)
}

// sees adds the interpreter and the job's folder.
func (b *builder) sees(p job.Isolation, interpreter string) job.Isolation {
	p.Show = append(slices.Clip(p.Show), installation(interpreter, p.Hide))
	if real, err := filepath.EvalSymlinks(interpreter); err == nil && real != interpreter { // a virtual environment's
		p.Show = append(p.Show, installation(real, p.Hide))
	}
	p.Keep = append(slices.Clip(p.Keep), b.execution.JobDir)
	p.Tmp = b.tmp
	return p
}

// installation is the folder in which an interpreter is installed: the one above its bin. One that
// holds a hidden folder, or that everybody writes to, is not shown for it: then it is less.
func installation(interpreter string, hidden []string) string {
	kept := func(dir string) bool {
		return dir == "/" || dir == "/tmp" || dir == "/var/tmp" ||
			slices.ContainsFunc(hidden, func(h string) bool { return h == dir || strings.HasPrefix(h, dir+"/") })
	}
	bin := filepath.Dir(interpreter)
	dir := filepath.Dir(bin)
	switch {
	case kept(bin):
		return interpreter
	case filepath.Base(bin) != "bin" || kept(dir):
		return bin
	}
	return dir
}
