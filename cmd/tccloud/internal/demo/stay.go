package demo

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// visitor is the user of the console whom the demo creates.
const visitor = "demo"

// stay shows where the console is, and keeps everything up until ctx ends.
func (d *demo) stay(ctx context.Context) error {
	for _, start := range d.again {
		if err := start(); err != nil {
			return err
		}
	}
	for _, a := range d.agents {
		if err := a.Connected(ctx); err != nil {
			return err
		}
	}
	var made struct {
		Link struct {
			URL string `json:"url"`
		} `json:"link"`
	}
	if err := d.cloud.JSON(ctx, &made, "user", "create", visitor, "--role", "administrator"); err != nil {
		return err
	}
	d.say("\nThe console, by a link that signs in once, within 15 minutes (the browser warns of the demo's own certificate):\n  %s", made.Link.URL)
	if d.Open {
		if err := d.open(made.Link.URL); err != nil {
			d.say("no browser was opened: %v", err)
		}
	}
	d.say("\nThe cloud and the agents go on until you press Ctrl-C. Try, in another terminal:\n  %[1]s run %[2]s 'Test - Playbook' --follow --data %[3]s\n  %[1]s user link %[4]s --data %[3]s",
		d.stage.CloudBin, environment, d.cloud.Data, visitor)
	<-ctx.Done()
	return nil
}

// openers open a file with the program that the user has chosen for it.
var openers = map[string][]string{
	"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"},
}

// open opens a link in a browser. It goes by a page that only this user reads: all users see the
// arguments of a command.
func (d *demo) open(link string) error {
	page := filepath.Join(d.dir, "console.html")
	text := fmt.Sprintf("<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0; url=%s\"><title>Console</title>\n", html.EscapeString(link))
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		return err
	}
	opener := openers[runtime.GOOS]
	if opener == nil {
		opener = []string{"xdg-open"}
	}
	cmd := exec.Command(opener[0], append(opener[1:], page)...) //nolint:noctx // the browser outlives the demo
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}
