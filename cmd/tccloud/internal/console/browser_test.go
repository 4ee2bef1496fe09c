package console_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// chrome starts a browser.
func chrome(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("ignore-certificate-errors", true), chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(stop)
	return ctx
}

func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		t.Skip("SHOTS names no folder")
	}
	r := filled(t)
	ctx := chrome(t)
	run := func(a ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, a...); err != nil {
			t.Fatal(err)
		}
	}
	shot := func(name, path string, dark bool, width int64, more ...chromedp.Action) {
		scheme := "light"
		if dark {
			scheme = "dark"
		}
		var png []byte
		run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
			chromedp.EmulateViewport(width, 800), chromedp.Navigate(r.url(path)))
		run(more...)
		run(chromedp.FullScreenshot(&png, 100))
		if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shot("signin", "signin", false, 1280)
	run(r.signIn(access.Administrator))
	for _, p := range []struct{ name, path string }{{"environments", ""}, {"environment", "environments/lab"}, {"servers", "servers"}, {"server", "servers/" + twinXID}} {
		shot(p.name+"-light", p.path, false, 1280)
		shot(p.name+"-dark", p.path, true, 1280)
		shot(p.name+"-narrow", p.path, false, 390)
	}
	shot("download", "environments/lab", false, 1280, click("button[popovertarget=download]"))
	shot("create-narrow", "", true, 390, click("button[popovertarget=create]"))
	shot("menu-narrow", "", false, 390, click("summary"))
}

// signIn gives the browser the cookie of a user with the role.
func (r *rig) signIn(role access.Role) chromedp.Action {
	u, err := url.Parse(r.server.URL)
	if err != nil {
		r.Fatal(err)
	}
	c := r.signedIn(role).Jar.Cookies(u)[0]
	return network.SetCookie(c.Name, c.Value).WithURL(r.server.URL).WithPath("/").WithSecure(true).WithHTTPOnly(true).WithSameSite(network.CookieSameSiteStrict)
}

func click(selector string) chromedp.Action {
	return chromedp.Evaluate(`document.querySelector(`+strconv.Quote(selector)+`).click()`, nil)
}
