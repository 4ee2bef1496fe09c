package parts

import (
	"context"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/job"
)

// Isolation finds out once how far Apps can be isolated here. An error means that it could not be
// tried, and the next call tries again.
func (j *Jobs) Isolation(ctx context.Context) (job.IsolationReport, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.isolation != nil {
		return *j.isolation, nil
	}
	i := job.IsolationReport{Wanted: j.wanted, Level: job.IsolationOff}
	if j.wanted != "off" {
		var err error
		if i.Level, i.Missing, err = j.Probe(ctx); err != nil {
			return i, err
		}
		if i.Missing != "" {
			j.logger.Warn("Apps are not fully isolated from each other", "level", string(i.Level), "wanted", i.Wanted, "err", i.Missing)
		}
	}
	j.isolation = &i
	return i, nil
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
		Hide:  []string{hiddenHome(p), layout.Etc, layout.Run, layout.UpdaterRun, layout.UpdaterState, layout.HostState},
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

// KnownIsolation is what [Jobs.Isolation] found out, nil while it has not.
func (j *Jobs) KnownIsolation() *job.IsolationReport {
	if !j.mu.TryLock() {
		return nil
	}
	defer j.mu.Unlock()
	return j.isolation
}
