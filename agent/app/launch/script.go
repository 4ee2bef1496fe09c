package launch

import (
	"path/filepath"
	"slices"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
)

// Python returns the interpreter that runs an App; ok is false for an App that is not Python's, or
// if there is none.
func (e Execution) Python(m tcx.Manifest) (file string, ok bool) {
	if m.Language != "python" {
		return "", false
	}
	b := &builder{manifest: m, execution: e}
	file, err := b.pythonInterpreter().locate()
	return file, err == nil
}

// Script returns the launch of a Python program of the agent's own, which deals with an App's files
// and must not run them: nothing of an App, of the user or of the folder is in its path or its
// environment. The program finds input in a file that its only argument names, and writes to the
// job's folder out. It sees the folders of show.
func (e Execution) Script(python string, program, input []byte, show ...string) job.Launch {
	b := &builder{execution: e, in: filepath.Join(e.JobDir, "in"), tmp: filepath.Join(e.JobDir, "tmp")}
	script, data := b.file("script.py", program), b.file("input.json", input)
	world := e.Isolation
	if world.On() {
		world.Show = append(slices.Clip(world.Show), show...)
		world = b.sees(world, python)
	}
	return job.Launch{
		ID: e.Session, Dir: e.JobDir, WorkDir: b.tmp,
		Argv: []string{python, "-I", "-S", "-B", "-W", "ignore", script, data},
		Env:  append(systemEnv(b.tmp), "LANG=C.UTF-8", "HOME="+b.tmp, "TMPDIR="+b.tmp), Files: b.files,
		Timeout: e.Timeout, Grace: e.Grace, MaxOutput: e.MaxOutput, Limits: e.Limits,
		Isolation: world,
	}
}
