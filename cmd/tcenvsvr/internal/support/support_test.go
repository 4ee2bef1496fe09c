package support

import (
	"archive/tar"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/doctor"
)

func TestRedact(t *testing.T) {
	const secret = `s3cr3t/with "quotes" & more`
	r := NewRedactor(secret, "s3cr3t", "", "ab")
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)),
		`"password": "hunter2-json"`, "proxyPassword=hunter2-flag", "Authorization: Basic aHVudGVyMg==", "ENC[hunter2-sealed]",
		"https://user:hunter2-url@proxy:3128/", "s3cr3t",
	} {
		got := r.Redact("before " + form + " after")
		if strings.Contains(got, "hunter2") || strings.Contains(got, "s3cr3t") || strings.Contains(got, "aHVudGVyMg") ||
			!strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%q became %q", form, got)
		}
	}
	if got := r.Redact("level=INFO msg=\"order accepted\" order=o-1.1 tab=about"); !strings.Contains(got, "order=o-1.1 tab=about") {
		t.Errorf("too much is gone: %q", got)
	}
}

// Every secret of the settings is planted in every log: none is in the archive.
func TestBundleHasNoSecret(t *testing.T) {
	p, err := paths.New(filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Create(); err != nil {
		t.Fatal(err)
	}
	planted := map[string]string{"apiURL": "https://127.0.0.1:1", "brokerHost": "127.0.0.1:1", "serverXid": "xid-1", "proxyUsername": "user", "proxyHost": "127.0.0.1", "proxyPort": "1"}
	var all []string
	for _, row := range settings.All {
		if row.Secret {
			planted[row.Name] = "planted-" + row.Name + "-1234"
			all = append(all, planted[row.Name])
		}
	}
	if err := settings.Set(p.Settings, planted, nil); err != nil {
		t.Fatal(err)
	}
	text := "lines with " + strings.Join(all, " and ") + "\n"
	tools := t.TempDir() // a journal that has seen them, too
	if err := os.WriteFile(filepath.Join(tools, "journalctl"), []byte("#!/bin/sh\ncat <<'end'\n"+text+"end\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, name := range []string{"tcenvsvr.log", "audit.jsonl"} {
		if err := os.WriteFile(filepath.Join(p.Logs, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.Create(filepath.Join(p.Logs, "tcenvsvr-2026-01-01.log.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(old)
	_, err = io.WriteString(z, text)
	if err := errors.Join(err, z.Close(), old.Close()); err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "support.tar.gz")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	c := doctor.Config{Paths: p, Version: "1.2.3"}
	names, err := Write(t.Context(), f, c, CheckHost(t.Context(), c))
	if err != nil {
		t.Fatal(err)
	}
	content := unpack(t, file)
	for _, secret := range all {
		if strings.Contains(content, secret) {
			t.Errorf("%q is in the archive", secret)
		}
	}
	for _, want := range []string{"lines with [redacted]", `"serverXid": "xid-1"`, "is not running", `"version": "1.2.3"`, "settings.yaml"} {
		if !strings.Contains(content, want) {
			t.Errorf("the archive lacks %q", want)
		}
	}
	if _, shell := exec.LookPath("sh"); shell == nil && strings.Count(content, "lines with [redacted]") != 4 {
		t.Errorf("the lines are %d times in the archive, want them in three logs and the journal", strings.Count(content, "lines with [redacted]"))
	}
	for _, want := range []string{"doctor.json", "logs/journal.txt", "logs/tcenvsvr.log", "logs/tcenvsvr-2026-01-01.log", "logs/audit.jsonl", "settings.json", "state.txt"} {
		if !strings.Contains(strings.Join(names, "\n"), want) {
			t.Errorf("%s is not in the archive: %v", want, names)
		}
	}
}

func unpack(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("\n== " + h.Name + "\n")
		if _, err := io.Copy(&all, io.LimitReader(r, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
}
