package cloud_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cloud"
)

// TestDamagedFile: whichever of the cloud's own files is damaged (the store's are
// store.TestDamagedFile's), the cloud starts and its servers and Apps are as before, or it says
// which file it is and what to do.
func TestDamagedFile(t *testing.T) {
	src := t.TempDir()
	c := start(t, src)
	must(c.CreateEnvironment(t.Context(), "lab", ""))(t)
	app := must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, "App", "1.0.0", "Organization")), nil, false))(t)
	bundle, _, err := c.bundle(t.Context(), "lab", v1.NewBundle{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	var files []string
	if err := filepath.WalkDir(src, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "store" {
			return errors.Join(err, fs.SkipDir)
		}
		if !d.IsDir() {
			files = append(files, must(filepath.Rel(src, p))(t))
		}
		return nil
	}); err != nil && !errors.Is(err, fs.SkipDir) {
		t.Fatal(err)
	}
	damages := map[string]func(path string, data []byte) error{
		"emptied":   func(p string, _ []byte) error { return os.WriteFile(p, nil, 0o600) },
		"truncated": func(p string, data []byte) error { return os.WriteFile(p, data[:len(data)/2], 0o600) },
		"flipped": func(p string, data []byte) error {
			data[len(data)/2] ^= 0x85
			return os.WriteFile(p, data, 0o600)
		},
		"zeroed":  func(p string, data []byte) error { return os.WriteFile(p, make([]byte, len(data)), 0o600) },
		"deleted": func(p string, _ []byte) error { return os.Remove(p) },
	}
	for _, file := range files {
		for how, damage := range damages {
			t.Run(file+"/"+how, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(src)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, file)
				data := must(os.ReadFile(path))(t)
				if len(data) == 0 {
					t.Skip("nothing to damage")
				}
				if err := damage(path, data); err != nil {
					t.Fatal(err)
				}
				if err := refusal(t, dir); err != nil {
					hinted, ok := errors.AsType[interface {
						error
						Hint() string
					}](err)
					if !ok || !strings.Contains(err.Error(), path) || hinted.Hint() == "" {
						t.Errorf("got %v, want the file and what to do", err)
					}
					return
				}
				c := start(t, dir)
				id := open(t, bundle)
				id.env["brokerHost"] = c.endpoint.Broker
				if _, err := c.join(id); err != nil {
					t.Errorf("a server cannot connect: %v", err)
				}
				https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: id.roots, ServerName: "localhost"}}}
				defer https.CloseIdleConnections()
				status, body := call(t, https, "GET", c.endpoint.URL+"/api/internal/envsvr/apps/"+string(app.SHA256), "Bearer "+id.env["appDeliveryToken"], nil)
				if status != http.StatusOK || int64(len(body)) != app.Size {
					t.Errorf("the App cannot be fetched: %d, %d bytes", status, len(body))
				}
			})
		}
	}
}

// refusal starts a cloud that stops when it is ready, and returns why it did not get there.
func refusal(t *testing.T, dir string, change ...func(*cloud.Config)) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := slog.New(slog.NewTextHandler(writer(func(p []byte) {
		if bytes.Contains(p, []byte(`msg="cloud ready"`)) {
			cancel()
		}
	}), nil))
	cfg := cloud.Config{Data: dir, BrokerAddr: "127.0.0.1:0", APIAddr: "127.0.0.1:0", Version: "test", Notice: io.Discard, Logger: ready}
	for _, f := range change {
		f(&cfg)
	}
	return cloud.Run(ctx, cfg)
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }
