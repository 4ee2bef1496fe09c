package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os/user"
	"sync"
	"time"

	"tcenvsvr/agent/logging/textfile"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

const (
	// metricsEvery is how often the file is written: node_exporter is asked every 15 to 60 seconds.
	metricsEvery = 15 * time.Second
	// metricsTimeout is after how long a file system counts as one that does not answer.
	metricsTimeout = 10 * time.Second
)

// metricsFile writes the agent's figures for node_exporter, while the settings ask for that. What fails
// is said once in the log, and by status and doctor as long as it fails.
type metricsFile struct {
	path    func() string // of the settings; "" = there is to be none
	figures func() []byte
	log     *slog.Logger
	changed chan struct{} // 1 token: the settings may say something else

	mu  sync.Mutex
	now controlapi.MetricsFile
}

func newMetricsFile(path func() string, figures func() []byte, log *slog.Logger) *metricsFile {
	return &metricsFile{path: path, figures: figures, log: log, changed: make(chan struct{}, 1)}
}

// look has run look at the settings again.
func (m *metricsFile) look() {
	if m == nil { // the parts are being made
		return
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// status is nil if there is to be no file.
func (m *metricsFile) status() *controlapi.MetricsFile {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now.Path == "" {
		return nil
	}
	s := m.now
	return &s
}

// run writes the file until ctx ends. It does nothing while there is to be none.
func (m *metricsFile) run(ctx context.Context) {
	for {
		path := m.path()
		if before := m.use(path); before != "" {
			// It would be read for ever with the figures of now. What cannot be removed was not written, either.
			_ = m.within(ctx, func() error { return textfile.Remove(before) })
		}
		var next <-chan time.Time
		if path != "" {
			m.note(m.within(ctx, func() error { return textfile.Write(path, m.figures()) }))
			next = time.After(metricsEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-m.changed:
		case <-next:
		}
	}
}

// use makes path the one that is written, and returns the one that is not written any more.
func (m *metricsFile) use(path string) (before string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now.Path == path {
		return ""
	}
	before = m.now.Path
	if m.now.Written.IsZero() {
		before = ""
	}
	m.now = controlapi.MetricsFile{Path: path}
	return before
}

// errStuck is a file system that does not answer.
var errStuck = errors.New("the file system does not answer")

// within calls f, and waits for it until ctx ends. One that hangs in a file system that does not answer
// is left behind when the agent stops: nothing can end it, and it must not keep the agent.
func (m *metricsFile) within(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	late := time.NewTimer(metricsTimeout)
	defer late.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			m.note(errStuck)
		}
	}
}

// note records what became of writing, and says in the log when that changes.
func (m *metricsFile) note(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	m.mu.Lock()
	was, path := m.now.Problem, m.now.Path
	if m.now.Problem, m.now.Hint = "", ""; err == nil {
		m.now.Written = time.Now()
	} else {
		m.now.Problem, m.now.Hint = err.Error(), textfile.Hint(path, userName(), err)
	}
	problem, hint := m.now.Problem, m.now.Hint
	m.mu.Unlock()
	switch {
	case err == nil && was != "":
		m.log.Info("metrics file is written again", "file", path)
	case problem != was:
		m.log.Warn("metrics file is not written, trying again", "file", path, "err", err, "hint", hint)
	}
}

// userName is the agent's user.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return "the agent's user"
	}
	return u.Username
}
