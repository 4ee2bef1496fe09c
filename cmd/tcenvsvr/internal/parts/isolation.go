package parts

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/job"
)

// Isolation finds out once how far Apps are isolated here. An error means that it could not be
// tried, and the next call tries again.
func (j *Jobs) Isolation(ctx context.Context) (job.IsolationReport, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.isolation != nil {
		return *j.isolation, nil
	}
	i := job.IsolationReport{Wanted: j.wanted, Level: job.IsolationOff}
	s, err := j.Probe(ctx)
	if err != nil {
		return i, err
	}
	if j.wanted != "off" {
		i.Level, i.Missing = s.Level, s.Missing
	}
	if i.Missing != "" {
		j.logger.Warn("Apps are not fully isolated from each other", "level", string(i.Level), "wanted", i.Wanted, "err", i.Missing)
	}
	j.isolation, j.limits = &i, &job.LimitsReport{Holds: append([]string{}, s.Limits...), Missing: s.Unlimited}
	return i, nil
}

// Limits finds out once which limits hold for each App here. Errors are as with [Jobs.Isolation].
func (j *Jobs) Limits(ctx context.Context) (job.LimitsReport, error) {
	if _, err := j.Isolation(ctx); err != nil {
		return job.LimitsReport{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return *j.limits, nil
}

// World is what every App sees of this host; what it needs besides is added where it is started.
// Where all isolation is required and not to be had, the start of every App fails with
// [job.CodeIsolation].
func (j *Jobs) World(ctx context.Context, p paths.Paths) (job.Isolation, error) {
	i, err := j.Isolation(ctx)
	if err != nil {
		return job.Isolation{}, err
	}
	w := job.Isolation{
		Level: i.Level,
		Hide:  append(homes(p), layout.Etc, layout.Run, layout.UpdaterRun, layout.UpdaterState, layout.HostState),
		Show:  []string{p.Trust},
	}
	if i.Wanted == "required" {
		w.Level = job.IsolationFull
	}
	return w, nil
}

// hiddenHome is the agent's home, or its own folder in one that is the root of the file system.
func hiddenHome(p paths.Paths) string {
	if p.Home == "/" {
		return p.State
	}
	return p.Home
}

// homes are the hidden home and, where links lead to other disks, what they lead to: it would be
// seen there.
func homes(p paths.Paths) []string {
	list := []string{hiddenHome(p)}
	for _, dir := range []string{list[0], p.State, p.Exchange, p.Programs, p.Jobs} {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || real == "/" || slices.ContainsFunc(list, func(h string) bool { return real == h || strings.HasPrefix(real, h+"/") }) {
			continue
		}
		list = append(list, real)
	}
	return list
}

// Known is what [Jobs.Isolation] and [Jobs.Limits] found out, nil while they have not.
func (j *Jobs) Known() (*job.IsolationReport, *job.LimitsReport) {
	if !j.mu.TryLock() {
		return nil, nil
	}
	defer j.mu.Unlock()
	return j.isolation, j.limits
}
