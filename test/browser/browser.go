package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tcenvsvr/test/need"
)

// limit bounds one test; only a hang reaches it.
const limit = 5 * time.Minute

// Browser is a window. Its methods end the test where something does not work.
type Browser struct {
	t    testing.TB
	ctx  context.Context
	host string // of the pages; "" until the first one

	mu     sync.Mutex
	faults []string
	at     string      // the address of the window
	loaded chan string // addresses of pages that are there, of the last ones
}

// Open opens a window without cookies. When the test ends, what the browser complained about fails it.
func Open(t testing.TB) *Browser {
	t.Helper()
	path := need.Tool(t, "chromium")
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	// Its own messages are of events that are newer than it.
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, limit)
	t.Cleanup(stop)
	b := &Browser{t: t, ctx: ctx, loaded: make(chan string, 16)}
	chromedp.ListenTarget(ctx, b.listen)
	b.run("opening the browser", log.Enable(), network.Enable(), emulation.SetTimezoneOverride("Europe/Berlin"))
	t.Cleanup(func() {
		for _, f := range b.Faults() {
			t.Error("the browser says: " + f)
		}
		_ = chromedp.Cancel(ctx) // waits until it is gone, so that its folder can be removed
	})
	return b
}

func (b *Browser) run(doing string, a ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, a...); err != nil {
		b.t.Fatalf("%s: %v; the browser says %q", doing, err, b.Faults())
	}
}

// listen notes what is wrong.
func (b *Browser) listen(ev any) {
	switch ev := ev.(type) {
	case *page.EventFrameNavigated:
		if ev.Frame.ParentID == "" {
			b.mu.Lock()
			b.at = ev.Frame.URL
			b.mu.Unlock()
		}
	case *page.EventLoadEventFired:
		b.mu.Lock()
		at := b.at
		b.mu.Unlock()
		select {
		case b.loaded <- at:
		default:
		}
	case *runtime.EventExceptionThrown:
		b.fault("exception: %s", ev.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.APITypeError || ev.Type == runtime.APITypeWarning || ev.Type == runtime.APITypeAssert {
			b.fault("console %s: %s", ev.Type, said(ev.Args))
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.LevelError || ev.Entry.Level == log.LevelWarning {
			b.fault("%s: %s %s", ev.Entry.Source, ev.Entry.Text, ev.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.elsewhere(ev.Request.URL)
	case *network.EventWebSocketCreated:
		b.elsewhere(ev.URL)
	}
}

func said(args []*runtime.RemoteObject) string {
	var all []string
	for _, a := range args {
		all = append(all, string(a.Value)+a.Description)
	}
	return strings.Join(all, " ")
}

func (b *Browser) elsewhere(to string) {
	u, err := url.Parse(to)
	b.mu.Lock()
	host := b.host
	b.mu.Unlock()
	if err != nil || u.Host != "" && host != "" && u.Host != host {
		b.fault("request to another host: %s", to)
	}
}

func (b *Browser) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// Faults returns what the browser complained about.
func (b *Browser) Faults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.faults...)
}

// Forgive drops complaints that have the text in them, which the test has provoked.
func (b *Browser) Forgive(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.faults[:0]
	for _, f := range b.faults {
		if !strings.Contains(f, text) {
			kept = append(kept, f)
		}
	}
	b.faults = kept
}

// Look shows pages in a window of that width, dark or light.
func (b *Browser) Look(width int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.run("setting the window", emulation.SetDeviceMetricsOverride(width, 800, 1, false),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}))
}

// Visit loads a page.
func (b *Browser) Visit(to string) {
	b.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.host = u.Host
	b.mu.Unlock()
	b.run("loading "+to, chromedp.Navigate(to))
}

// Leave does what leads to another page, and waits until that is there.
func (b *Browser) Leave(js string) {
	b.t.Helper()
	b.LeaveFor(js, "")
}

// LeaveFor does what leads to a page whose address begins so, perhaps over others, and waits until that
// is there.
func (b *Browser) LeaveFor(js, address string) {
	b.t.Helper()
	for len(b.loaded) > 0 {
		<-b.loaded
	}
	b.Do(js)
	for timeout := time.After(time.Minute); ; {
		select {
		case at := <-b.loaded:
			if strings.HasPrefix(at, address) {
				return
			}
		case <-timeout:
			b.t.Fatalf("after %s no page %s was loaded; the browser is at %s", js, address, b.Value("location.href"))
		}
	}
}

// Do runs a script in the page.
func (b *Browser) Do(js string) {
	b.t.Helper()
	b.run("running "+js, chromedp.Evaluate(js, nil))
}

// Value is that of an expression, as text.
func (b *Browser) Value(js string) string {
	b.t.Helper()
	var v any
	b.run("asking for "+js, chromedp.Evaluate(js, &v))
	return fmt.Sprint(v)
}

// Text is that of the page as its reader sees it.
func (b *Browser) Text() string {
	b.t.Helper()
	return b.Value("document.body.innerText")
}

// Until waits until an expression is true; one that fails, because there is no such element yet, is
// false.
func (b *Browser) Until(js string, within time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(within); ; {
		if b.Value("(() => { try { return Boolean("+js+") } catch { return false } })()") == "true" {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("after %s not: %s\nat %s\n%s", within, js, b.Value("location.href"), b.Text())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Cookie gives the browser a cookie of the pages at.
func (b *Browser) Cookie(at, name, value string) {
	b.t.Helper()
	b.run("setting a cookie", network.SetCookie(name, value).WithURL(at).WithPath("/").WithSecure(true).WithHTTPOnly(true).WithSameSite(network.CookieSameSiteStrict))
}

// Downloads has files that the browser downloads put into dir.
func (b *Browser) Downloads(dir string) {
	b.t.Helper()
	b.run("choosing a folder", browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(dir))
}

// Picture writes what the window shows to a PNG file.
func (b *Browser) Picture(file string) {
	b.t.Helper()
	var png []byte
	b.run("taking a picture", chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// Barriers returns what axe-core finds wrong with the page, which must not be loaded under a policy
// that keeps axe-core out: see WithoutPolicy.
func (b *Browser) Barriers() []string {
	b.t.Helper()
	if b.Value("typeof axe") == "undefined" {
		b.run("loading axe-core", chromedp.Evaluate(axe(b.t), nil))
	}
	var found string
	b.run("running axe-core", chromedp.Evaluate(`axe.run(document).then(r => JSON.stringify(r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + ": " + n.html + " " + n.failureSummary))))`,
		&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	var all []string
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		b.t.Fatalf("reading what axe-core says: %v", err)
	}
	return all
}

// WithoutPolicy loads pages from now on without their Content-Security-Policy.
func (b *Browser) WithoutPolicy() {
	b.t.Helper()
	b.run("switching the policy off", page.SetBypassCSP(true))
}
