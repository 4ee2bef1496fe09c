package launch

import (
	"runtime"
	"slices"
	"strings"

	"tcenvsvr/agent/job"
)

// program is what a template of this App runs, nil if there can be none: only Python can be forked,
// and only in worlds that keep templates and orders apart. env is the App's.
func (b *builder) program(env []string) *job.Program {
	if b.manifest.Language != "python" || b.execution.Isolation.Level != job.IsolationFull || runtime.GOOS != "linux" {
		return nil
	}
	p := &job.Program{App: b.dir, Version: b.manifest.ProgramVersion, Target: b.target}
	shared := append([]string{"PATH", "LANG", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}, names(b.execution.TrustEnv)...)
	for _, v := range env {
		switch name, _, _ := strings.Cut(v, "="); {
		case slices.Contains(shared, name):
			p.Env = append(p.Env, v)
		case name == "HOME", name == "TMPDIR":
			p.Env = append(p.Env, name+"=/tmp") // which is the job's own folder tmp in each world
		default:
			p.Own = append(p.Own, name)
		}
	}
	return p
}

func names(env []string) []string {
	var list []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		list = append(list, name)
	}
	return list
}
