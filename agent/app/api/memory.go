package api

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"time"
)

// Memory is a Store in memory for one host: `tcenvsvr app run` and tests. The zero value is not
// ready: use NewMemory.
type Memory struct {
	mu     sync.Mutex
	tokens map[string]Session
	runs   map[string]*memoryRun        // by Session.ID
	values map[string]map[string][]byte // context → key → value
}

type memoryRun struct {
	params    map[string]string
	variables map[string]string // "source/id"
	log       []LogEntry
}

// maxMemoryLog bounds the log entries kept per execution; the oldest go.
const maxMemoryLog = 10_000

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		tokens: make(map[string]Session),
		runs:   make(map[string]*memoryRun),
		values: make(map[string]map[string][]byte),
	}
}

// Issue registers an execution with its secure parameters and returns a token for it that lives for
// ttl.
func (m *Memory) Issue(id, kvContext string, params map[string]string, ttl time.Duration) (token string, expires time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[id] = &memoryRun{params: maps.Clone(params), variables: make(map[string]string)}
	return m.issue(Session{ID: id, Context: kvContext, Expires: time.Now().Add(ttl)})
}

// IssueService is Issue for the App of a service, whose contexts are its own.
func (m *Memory) IssueService(id string, service int64, ttl time.Duration) (token string, expires time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[id] = &memoryRun{variables: make(map[string]string)}
	return m.issue(Session{ID: id, Service: service, Expires: time.Now().Add(ttl)})
}

func (m *Memory) issue(s Session) (string, time.Time) {
	token := "LOCAL:" + s.ID + ":" + rand.Text()
	m.tokens[token] = s
	return token, s.Expires
}

// SetVariable defines the runtime variable &{source:…:id} for execution run.
func (m *Memory) SetVariable(run, source, id, data string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.runs[run]; ok {
		r.variables[source+"/"+id] = data
	}
}

// Values returns all variables of a context.
func (m *Memory) Values(kvContext string) map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values[kvContext])
}

// Log returns what an execution logged.
func (m *Memory) Log(run string) []LogEntry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.runs[run]; ok {
		return slices.Clone(r.log)
	}
	return nil
}

// Session implements Tokens.
func (m *Memory) Session(_ context.Context, token string) (Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.tokens[token]
	if !ok || !time.Now().Before(s.Expires) {
		return Session{}, ErrToken
	}
	return s, nil
}

// Renew implements Tokens; the fresh token lives for four hours, the life of the platform's own.
func (m *Memory) Renew(_ context.Context, token string) (string, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.tokens[token]
	if !ok {
		return "", time.Time{}, ErrToken
	}
	s.Expires = time.Now().Add(4 * time.Hour)
	fresh, expires := m.issue(s)
	return fresh, expires, nil
}

// Get implements KeyValue.
func (m *Memory) Get(_ context.Context, kvContext, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[kvContext][key]
	if !ok {
		return nil, ErrNotFound
	}
	return v, nil
}

// Put implements KeyValue.
func (m *Memory) Put(_ context.Context, kvContext, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values[kvContext] == nil {
		m.values[kvContext] = make(map[string][]byte)
	}
	m.values[kvContext][key] = value
	return nil
}

// Params implements Runs.
func (m *Memory) Params(_ context.Context, s Session) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.runs[s.ID]; ok {
		return maps.Clone(r.params), nil
	}
	return nil, ErrNotFound
}

// Variable implements Runs.
func (m *Memory) Variable(_ context.Context, s Session, source, id string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.runs[s.ID]; ok && Mentions(r.params, source, id) {
		if v, ok := r.variables[source+"/"+id]; ok {
			return v, nil
		}
	}
	return "", ErrNotFound
}

// AppendLog implements Runs.
func (m *Memory) AppendLog(_ context.Context, s Session, entries []LogEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.runs[s.ID]
	if !ok {
		return ErrNotFound
	}
	r.log = append(r.log, entries...)
	if n := len(r.log) - maxMemoryLog; n > 0 {
		r.log = slices.Delete(r.log, 0, n)
	}
	return nil
}
