package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/job/internal/warm"
	"tcenvsvr/agent/logging/plain"
)

type warmApp = warm.App

const (
	// joinTimeout bounds the connection to a template.
	joinTimeout = 2 * time.Second
	// mostWarm bounds the files of an App in memory, in bytes, that are counted as its template's.
	mostWarm = 256 << 10
)

// joinTemplate has the template of the Launch make the App's process while the agent notes the start.
// If it cannot, the App starts cold.
func (s *supervisor) joinTemplate() bool {
	app, err := s.join()
	if err != nil {
		s.cold(err)
		return false
	}
	s.warm = app
	return true
}

func (s *supervisor) join() (*warmApp, error) {
	l := s.launch
	size := 0
	for _, f := range l.Isolation.Files {
		size += len(f.Data)
	}
	if size > mostWarm {
		return nil, fmt.Errorf("its parameters of %d bytes would be in the memory of its template, which all its orders share: at most %d may be", size, mostWarm)
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinTimeout)
	defer cancel()
	conn, err := sock.Dial(ctx, l.Warm.Dir, l.Warm.Shim, l.Warm.Token)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte(sock.Order + l.Warm.Key + "\n")); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return warm.Join(conn, &s.order().Plan, s.out[0].app, s.out[1].app)
}

// prepareTemplate starts the init of a template.
func (s *supervisor) prepareTemplate() error {
	fail := func(err error) error { return &spec.StartError{Code: spec.CodeIsolation, Err: err} }
	args := []string{filepath.Base(os.Args[0]), "job-shim", warm.TemplateCommand}
	w, err := isolation.Open(isolation.Full, "/proc/self/exe", args, forkIn(s.group))
	if err != nil {
		return fail(err)
	}
	w.News = s.news
	s.world = w
	start := s.order()
	if start.Limits, err = json.Marshal(s.launch.Limits); err == nil {
		err = w.Prepare(start, s.out[0].app, s.out[1].app)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// cold notes why no template made the App.
func (s *supervisor) cold(err error) {
	s.status.Cold = plain.Tail(plain.Text(err.Error()), spec.MaxUnlimited)
}

// spawnWarm has the template's fork run the App. Without a tree and without an error it certainly
// does not, and the App is to be started cold.
func (s *supervisor) spawnWarm() (*tree, error) {
	w := s.warm
	s.warm = nil
	app, err := s.adopt(w)
	if err == nil {
		if err = w.Run(s.order()); err == nil {
			s.status.Warm = true
			return &tree{id: identity(w.PID), app: identity(app), world: w.World, pidfd: w.Pidfd, group: s.group, events: make(chan event, 2)}, nil
		}
		if errors.Is(err, isolation.ErrLost) {
			err = errors.Join(err, w.End())
			return nil, &spec.StartError{Code: spec.CodeIsolation, Err: fmt.Errorf("starting the App by its template: %w", err)}
		}
	}
	if endErr := w.End(); endErr != nil {
		return nil, &spec.StartError{Code: spec.CodeIsolation, Err: fmt.Errorf("ending what the App's template has made: %w", errors.Join(err, endErr))}
	}
	s.cold(err)
	if s.beside { // where no world of this shim's can be
		s.group.Close()
		s.beside = false
		return nil, s.limit()
	}
	return nil, nil
}

// adopt limits what the template has made, and puts it into the App's control group: into the one that is prewarmed
// or, because no process leaves the service that it is in, into a new one beside the template's.
func (s *supervisor) adopt(w *warmApp) (app int, err error) {
	if app, err = w.Forked(); err != nil {
		return 0, err
	}
	confine(app, s.launch.Limits)
	if s.group == nil {
		return app, nil
	}
	if err := s.group.Move(app); err != nil {
		g, err := cgroup.Beside(app)
		if err != nil {
			return 0, err
		}
		l := s.launch.Limits
		err = g.Set(cgroup.Limits{Memory: l.Memory, Tasks: l.Tasks, CPUWeight: l.CPUWeight})
		if err == nil {
			err = g.Move(app)
		}
		if err == nil && !slices.Equal(g.Controllers(), s.group.Controllers()) {
			err = fmt.Errorf("the template's service limits %q only", g.Controllers())
		}
		if err != nil {
			g.Close()
			return 0, err
		}
		s.agent.keep(s.group)
		s.group, s.beside = g, true
	}
	_ = s.group.Move(w.PID)
	return app, nil
}

func identity(pid int) proc.ID {
	id, err := proc.Of(pid)
	if err != nil {
		return proc.ID{PID: pid}
	}
	return id
}

// inTemplate are the processes of a world within a template's: the init's and the App's descendants.
func (t *tree) inTemplate(list []proc.Info) []proc.Info {
	if t.over.Load() {
		return nil
	}
	found := append(proc.Descendants(list, t.id.PID, 0), proc.Info{ID: t.id, PGID: t.id.PID})
	for _, p := range append(proc.Descendants(list, t.app.PID, t.app.PID), proc.Info{ID: t.app, PGID: t.app.PID}) {
		if !slices.ContainsFunc(found, func(f proc.Info) bool { return f.PID == p.PID }) && (p.PID != t.app.PID || !t.ended.Load()) {
			found = append(found, p)
		}
	}
	return found
}

// giveOrder gives the connection of an order's shim to the template's init.
func (s *supervisor) giveOrder(conn *net.UnixConn) error {
	f, err := conn.File()
	if err != nil {
		return err
	}
	defer f.Close()
	return warm.Order(s.world, f)
}

// drain has the template end when its last order has.
func (s *supervisor) drain() { _ = warm.Drain(s.world) }

// news is what the template's init says of it.
func (s *supervisor) news(data json.RawMessage) {
	var r warm.Report
	if json.Unmarshal(data, &r) != nil {
		return
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.report = data
	s.unfit = plain.Tail(plain.Text(r.Unfit), spec.MaxUnlimited)
}
