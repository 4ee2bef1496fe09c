package enroll

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func TestProxyHint(t *testing.T) {
	environ := []string{"HTTPS_PROXY=http://joe:s3cr3t@proxy:3128"}
	const want = "\nhint: the proxy that HTTPS_PROXY names is not used unless it is given: --proxyTC true --proxyHost proxy --proxyPort 3128"
	if got := proxyHint(environ, settings.Settings{}); got != want {
		t.Errorf("got %q", got)
	}
	if got := proxyHint(environ, settings.Settings{ProxyTC: true}) + proxyHint(nil, settings.Settings{}); got != "" {
		t.Errorf("got %q where there is nothing to offer", got)
	}
}

// Who unenrolls a host whose service runs is told to stop it, and nothing is given up.
func TestUnenrollOfARunningService(t *testing.T) {
	p, err := paths.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Create(), settings.Set(p.Settings, map[string]string{"serverXid": "xid-1"}, nil)); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(p.Settings)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- control.Serve(ctx, p.Control, control.Handlers{"GET status": func(context.Context, []byte) (any, error) { return nil, nil }})
	}()
	for control.Call(ctx, p.Control, "GET", "status", nil, nil) != nil && ctx.Err() == nil { // until it serves
	}
	var said bytes.Buffer
	err = leave(t.Context(), &host{}, &env.Env{Home: p.Home, Stderr: &said}, "", true)
	if err == nil || !strings.Contains(err.Error(), "unenrolling: the service runs as this server\nhint: stop it first (\"systemctl stop threatconnect-envsvr\")") {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadFile(p.Settings); err != nil || !bytes.Equal(after, before) || said.Len() > 0 {
		t.Errorf("%v: something was given up: %s", err, &said)
	}
	stop()
	<-served
}
