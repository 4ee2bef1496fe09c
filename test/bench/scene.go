package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

const environment = "bench"

// stopTimeout bounds the orderly end of a program.
const stopTimeout = 30 * time.Second

// startCloud starts a cloud with one Environment.
func (b *bench) startCloud() (*stage.Cloud, error) {
	c, err := b.StartCloud(b.ctx, "cloud")
	if err != nil {
		return nil, err
	}
	b.atEnd(func() { c.Stop(stopTimeout) }) // whichever process it is by then
	_, err = c.Do(b.ctx, "env", "create", environment)
	return c, err
}

// trivial is a cloud and one agent that runs an App which ends at once. Its interpreter is `true`,
// so that what is measured is ours and not Python's.
func (b *bench) trivial(slots int, flags ...string) (*stage.Cloud, *stage.Agent, error) {
	c, err := b.startCloud()
	if err != nil {
		return nil, nil, err
	}
	if err := b.addNoop(c); err != nil {
		return nil, nil, err
	}
	a, err := b.trivialAgent(c, "agent", slots, flags...)
	return c, a, err
}

func (b *bench) addNoop(c *stage.Cloud) error {
	app, err := apps.Build("noop", b.Dir)
	if err != nil {
		return err
	}
	_, err = c.Do(b.ctx, "app", "add", app)
	return err
}

// trivialAgent enrols and starts an agent whose Python is true.
func (b *bench) trivialAgent(c *stage.Cloud, name string, slots int, flags ...string) (*stage.Agent, error) {
	a, err := c.Enroll(b.ctx, environment, name)
	if err != nil {
		return nil, err
	}
	flags = append(flags, "--appsNumberofJobExecutors", strconv.Itoa(slots), "--appsPythonHome311", b.truePython())
	if err := a.Start(flags...); err != nil {
		return nil, err
	}
	b.atEnd(func() { a.Stop(stopTimeout) })
	return a, a.Connected(b.ctx)
}

// truePython is an interpreter that does nothing.
func (b *bench) truePython() string {
	python := filepath.Join(b.Dir, "python3.11")
	_ = os.Symlink("/bin/true", python) // if that fails, so does every App
	return python
}

// statusOf decodes what an agent says of itself.
func (b *bench) statusOf(a *stage.Agent, into any) error {
	text, err := a.Do(b.ctx, "status", "--json")
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}

// admin is the operator's API, used directly: a process for each order would measure processes.
type admin struct {
	url, token string
	http       *http.Client
	transport  *http.Transport
}

func (b *bench) admin(c *stage.Cloud) (*admin, error) {
	token, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("reading the cloud's CA: no certificate")
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
		MaxIdleConnsPerHost: 16,
	}
	return &admin{
		url: c.URL + "/api/admin/v1/", token: strings.TrimSpace(string(token)),
		http: &http.Client{Transport: transport}, transport: transport,
	}, nil
}

// call sends in as JSON, if any, and decodes the answer into out, if any.
func (a *admin) call(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, a.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode/100 != 2:
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	case out == nil:
		return nil
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = answer
		return nil
	}
	return json.Unmarshal(answer, out)
}

// execution is what the benchmarks look at.
type execution struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Ended     bool      `json:"ended"`
	Created   time.Time `json:"created"`
	Delivered time.Time `json:"delivered"`
	Started   time.Time `json:"started"`
	EndedAt   time.Time `json:"ended_at"`
	PrepareUS int64     `json:"prepare_us"`

	Message string            `json:"message"`
	Error   string            `json:"error"`
	Results map[string]string `json:"results"`
}

func (a *admin) submit(app string, params map[string]string) (execution, error) {
	var e execution
	return e, a.call(http.MethodPost, "executions", map[string]any{"environment": environment, "app": app, "params": params, "timeout_ms": 600_000}, &e)
}

// end waits for the end of an execution, without polling.
func (a *admin) end(id string) (execution, error) {
	req, err := http.NewRequest(http.MethodGet, a.url+"executions/"+id+"/watch", nil)
	if err != nil {
		return execution{}, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := a.http.Do(req)
	if err != nil {
		return execution{}, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Execution *execution }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return execution{}, err
		}
		if line.Execution != nil && line.Execution.Ended {
			_, err := io.Copy(io.Discard, res.Body) // to its end, or the connection is not used again
			return *line.Execution, err
		}
	}
	return execution{}, errors.Join(fmt.Errorf("watching execution %s: it ended early", id), lines.Err())
}

// succeeded is end for an order that must succeed: how fast it fails is not what is measured.
func (a *admin) succeeded(id string) (execution, error) {
	e, err := a.end(id)
	if err == nil && e.State != "succeeded" {
		err = fmt.Errorf("execution %s ended %s: %s %s", id, e.State, e.Error, e.Message)
	}
	return e, err
}

// percentile of values, which it sorts.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(p*float64(len(values))))]
}

// cpu is the processor time that a process has used, and that its children have used with theirs: those that
// ended, and those that are still there, as shims that wait for another job.
func cpu(pid int) (own, children time.Duration) {
	fields := stat(pid)
	if len(fields) < 15 {
		return 0, 0
	}
	ticks := func(i int) time.Duration {
		n, _ := strconv.Atoi(fields[i])
		return time.Duration(n) * 10 * time.Millisecond // USER_HZ is 100 on all Linux
	}
	own, children = ticks(11)+ticks(12), ticks(13)+ticks(14)
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(data)) {
			if child, err := strconv.Atoi(field); err == nil {
				its, theirs := cpu(child)
				children += its + theirs
			}
		}
	}
	return own, children
}

// stat are the fields of a process's stat file from its state on; none if it has ended.
func stat(pid int) []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
}

// memory is the resident set of a process in bytes: all of it, and the part that is its own (not
// shared with others or backed by its program's file).
func memory(pid int) (rss, own float64, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmRSS":
			rss = kb * 1024
		case "RssAnon":
			own = kb * 1024
		}
	}
	return rss, own, nil
}
