package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// service is a service as the cloud shows it.
type service struct {
	Phase string `json:"phase"`
	URL   string `json:"url"`
	Token string `json:"token"`
}

// services calls an API that runs behind an agent, and looks at what services take.
func services(b *bench) error {
	const most = 20
	c, err := b.startCloud()
	if err != nil {
		return err
	}
	api, err := b.admin(c)
	if err != nil {
		return err
	}
	file, err := apps.Build("service-api", b.Dir)
	if err != nil {
		return err
	}
	if _, err := c.Do(b.ctx, "app", "add", file); err != nil {
		return err
	}
	a, err := c.Enroll(b.ctx, environment, "agent")
	if err != nil {
		return err
	}
	if err := a.Start("--appsNumberofServices", strconv.Itoa(most)); err != nil {
		return err
	}
	b.atEnd(func() { a.Stop(stopTimeout) })
	s, err := b.serviceReady(c, 0)
	if err != nil {
		return err
	}
	api.transport.MaxIdleConnsPerHost = 64
	call := func() error {
		r, err := http.NewRequestWithContext(b.ctx, http.MethodPost, s.URL+"/echo", bytes.NewReader([]byte(`{"question":1}`)))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+s.Token)
		answer, err := api.http.Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && (answer.StatusCode != http.StatusCreated || string(text) != `{"question":1}`) {
			err = fmt.Errorf("a call was answered with status %d: %.200s", answer.StatusCode, text)
		}
		return err
	}
	var took []time.Duration
	n := b.size(2000, 300)
	for i := range n + n/10 {
		began := time.Now()
		if err := call(); err != nil {
			return err
		}
		if i >= n/10 { // the first ones make connections
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	b.row("call of an API, one after the other: p50", ms(took[n/2]), "ms", "< 15 ms")
	b.row("call of an API, one after the other: p99", ms(took[n*99/100]), "ms", "")

	var left atomic.Int64
	left.Store(int64(b.size(6000, 1000)))
	all, began := float64(left.Load()), time.Now()
	before := b.processorOf(c, a)
	var wg sync.WaitGroup
	var failed [16]error
	for i := range failed {
		wg.Go(func() {
			for failed[i] == nil && left.Add(-1) >= 0 {
				failed[i] = call()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		return err
	}
	b.row("calls of an API, 16 at once", all/time.Since(began).Seconds(), "/s", "≥ 300 /s")
	after := b.processorOf(c, a)
	for i, who := range []string{"cloud", "agent", "shim and App"} {
		b.row("processor of a call: "+who, ms(after[i]-before[i])/all, "ms", "")
	}

	for i := 1; i < most; i++ {
		if _, err := b.serviceReady(c, i); err != nil {
			return err
		}
	}
	time.Sleep(time.Duration(b.size(60, 5)) * time.Second)
	rss, own, err := memory(a.PID())
	if err != nil {
		return err
	}
	b.row("agent with 20 services, RSS", rss/1e6, "MB", "")
	b.row("agent with 20 services, of that its own", own/1e6, "MB", "")
	pids := serviceShims()
	var total, alone float64
	for _, pid := range pids {
		rss, own, err := memory(pid)
		if err != nil {
			return err
		}
		total, alone = total+rss/1e6, alone+own/1e6
	}
	if len(pids) < most {
		return fmt.Errorf("%d shims of services run, not %d", len(pids), most)
	}
	b.row("shim of a service with its broker, RSS", total/float64(len(pids)), "MB", "< 8 MB")
	b.row("shim of a service with its broker, of that its own", alone/float64(len(pids)), "MB", "")
	return nil
}

// serviceReady makes a service and waits until its App is ready.
func (b *bench) serviceReady(c *stage.Cloud, i int) (service, error) {
	name := fmt.Sprint("api-", i)
	var made, now service
	if err := c.JSON(b.ctx, &made, "service", "create", name, environment, "Test_-_Api_Service", "--rate", "10000"); err != nil {
		return made, err
	}
	for deadline := time.Now().Add(time.Minute); now.Phase != "ready"; time.Sleep(50 * time.Millisecond) {
		if err := c.JSON(b.ctx, &now, "service", "show", name); err != nil {
			return made, err
		}
		if time.Now().After(deadline) {
			return made, fmt.Errorf("service %s is %s", name, now.Phase)
		}
	}
	return made, nil
}

// processorOf is the processor time of the cloud, of the agent, and of the services' shims with their Apps.
func (b *bench) processorOf(c *stage.Cloud, a *stage.Agent) (used [3]time.Duration) {
	used[0], _ = cpu(c.PID())
	used[1], _ = cpu(a.PID())
	for _, shim := range serviceShims() {
		own, apps := cpu(shim)
		used[2] += own + apps
	}
	return used
}

// serviceShims finds the shims that have a service.
func serviceShims() []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(data), "\x00job-shim\x00service\x00") {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
		pids = append(pids, pid)
	}
	return pids
}
