package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
)

// consolePages are what lists things, and topics what live pages of them follow.
var (
	consolePages  = []string{"", "environments/" + environment, "servers", "executions", "executions?state=failed", "apps", "jobs", "services", "releases", "variables", "audit", "users"}
	consoleTopics = []string{"servers", "executions", "environments", "history/" + environment + "@24"}
)

// viewConsole measures what the console's pages cost the cloud with many servers and executions, and
// what many who look on do.
func viewConsole(b *bench) error {
	p, err := b.here()
	if err != nil {
		return err
	}
	if err := b.add(p, "noop"); err != nil {
		return err
	}
	servers, executions, viewers := b.size(1000, 200), b.size(10_000, 1000), 100
	dirs, err := b.issue(p.admin, 0, servers)
	if err != nil {
		return err
	}
	if err := b.ended(p, filepath.Join(dirs[0], "0.zip"), executions); err != nil {
		return err
	}
	h, err := b.release(p.c, dirs)
	if err != nil {
		return err
	}
	defer h.end()
	if _, err := h.await(servers, 5*time.Minute); err != nil {
		return err
	}
	v, err := signIn(p)
	if err != nil {
		return err
	}
	const times = 20
	for _, page := range consolePages {
		took := make([]float64, times)
		before, _ := cpu(p.c.PID())
		for i := range took {
			begin := time.Now()
			if err := v.visit(page); err != nil {
				return err
			}
			took[i] = ms(time.Since(begin))
		}
		after, _ := cpu(p.c.PID())
		b.row(fmt.Sprintf("page %q, %d servers, %d executions: p50", page, servers, executions), percentile(took, .5), "ms", "< 200 ms")
		b.row("processor of the cloud for it", ms(after-before)/times, "ms", "")
	}
	during := time.Duration(b.size(60, 15)) * time.Second
	share := func() float64 {
		before, _ := cpu(p.c.PID())
		begin := time.Now()
		time.Sleep(during)
		after, _ := cpu(p.c.PID())
		return 100 * (after - before).Seconds() / time.Since(begin).Seconds()
	}
	none := share()
	got, err := v.look(b, viewers)
	if err != nil {
		return err
	}
	some := share()
	b.row("processor of the cloud while nobody looks", none, "% of a core", "")
	b.row(fmt.Sprintf("above that while %d do, over WebSocket", viewers), some-none, "% of a core", "< 10 %")
	b.row("what each of them gets", float64(got.Load())/1024/float64(viewers)/during.Seconds(), "KB/s", "")
	return nil
}

// ended has so many executions stored that a server of a bundle has ended.
func (b *bench) ended(p *here, bundle string, n int) error {
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	var g errgroup.Group
	s := new(puppet)
	var err error
	if s.link, err = bundleLink(bundle, p.c.Broker, wire.Hello{ServerName: "puppet", Slots: 8, Executors: 8}, s); err != nil {
		return err
	}
	g.Go(func() error { return s.link.Run(ctx) })
	if err := p.admin.fill(noop, n); err != nil {
		return err
	}
	stop()
	_ = g.Wait() // it was stopped
	return nil
}

// visitor is a browser that has signed in to the console.
type visitor struct {
	url  string
	http *http.Client
}

// signIn makes the console's first administrator, by the link of the first start.
func signIn(p *here) (*visitor, error) {
	link, err := os.ReadFile(filepath.Join(p.c.Data, "first-user.link"))
	if err != nil {
		return nil, err
	}
	_, secret, _ := strings.Cut(strings.TrimSpace(string(link)), "/console/link/")
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	v := &visitor{p.c.URL + "/console/", &http.Client{Jar: jar, Transport: p.admin.transport}}
	password := rand.Text()
	res, err := v.http.PostForm(v.url+"link/"+secret, url.Values{"name": {"bench"}, "password": {password}, "again": {password}})
	if err != nil {
		return nil, err
	}
	return v, v.read(res)
}

// visit loads a page to its end.
func (v *visitor) visit(page string) error {
	res, err := v.http.Get(v.url + page)
	if err != nil {
		return err
	}
	return v.read(res)
}

func (v *visitor) read(res *http.Response) error {
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if at := res.Request.URL.Path; res.StatusCode != http.StatusOK || strings.HasSuffix(at, "/signin") {
		return fmt.Errorf("visiting %s: %s", at, res.Status)
	}
	return nil
}

// look has so many viewers follow the topics by turns until the benchmark is over. It returns when each
// has what there is; got counts the bytes after that.
func (v *visitor) look(b *bench, viewers int) (got *atomic.Int64, err error) {
	got = new(atomic.Int64)
	at, err := url.Parse(v.url)
	if err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{TLSClientConfig: v.http.Transport.(*http.Transport).TLSClientConfig, Jar: v.http.Jar}
	var all sync.WaitGroup
	b.atEnd(all.Wait)
	for i := range viewers {
		ws, res, err := dialer.DialContext(b.ctx, "wss://"+at.Host+at.Path+"live?of="+url.QueryEscape(consoleTopics[i%len(consoleTopics)]), nil)
		if err != nil {
			return nil, err
		}
		_ = res.Body.Close()
		b.atEnd(func() { _ = ws.Close() })
		if _, _, err := ws.ReadMessage(); err != nil {
			return nil, err
		}
		all.Go(func() {
			for {
				_, data, err := ws.ReadMessage()
				if err != nil {
					return
				}
				got.Add(int64(len(data)))
			}
		})
	}
	return got, nil
}
