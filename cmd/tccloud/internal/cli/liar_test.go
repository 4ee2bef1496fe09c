package cli_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/cli"
)

// TestOddCloud: commands against a cloud that lies, or that breaks in the middle.
func TestOddCloud(t *testing.T) {
	const files = `{"id":"x1","files":[{"name":"a.txt","size":1},{"name":"../../b.txt","size":1},{"name":"c.txt","error":"too large"}]}`
	for name, tt := range map[string]struct {
		answers map[string]string // by method and path
		args    []string
		want    []string // on stderr
		stays   string   // what stdout says was done nevertheless
	}{
		"a file that leads out": {
			map[string]string{"GET executions/x1": files, "GET executions/x1/files/a.txt": "a"}, []string{"execution", "download", "x1"},
			[]string{`downloading "../../b.txt": the name leads out of the folder`}, "a.txt",
		},
		"it does not keep others away": {
			map[string]string{"GET executions/x1": `{"id":"x1","files":[{"name":"/b.txt","size":1},{"name":"a.txt","size":1}]}`, "GET executions/x1/files/a.txt": "a"}, []string{"execution", "download", "x1"},
			[]string{`downloading "/b.txt": the name leads out of the folder`}, "a.txt",
		},
		"a file that is not there": {
			map[string]string{"GET executions/x1": files, "GET executions/x1/files/a.txt": "a"}, []string{"execution", "download", "x1", "d.txt", "a.txt"},
			[]string{`execution x1 published no file "d.txt"`, `hint: "tccloud execution show x1" shows those that it did`}, "",
		},
		"a file that could not be published": {
			map[string]string{"GET executions/x1": files}, []string{"execution", "download", "x1", "c.txt"},
			[]string{`the server could not publish "c.txt": too large`}, "",
		},
		"a user without a link": {
			map[string]string{"POST users": `{"name":"ada","role":"viewer"}`}, []string{"user", "create", "ada", "--role", "viewer"},
			[]string{"the store is away", `hint: the user is there; "tccloud user link ada" makes a link`}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if text, ok := tt.answers[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/admin/v1/")]; ok {
					fmt.Fprint(w, text)
					return
				}
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprint(w, `{"error":{"code":"internal","message":"the store is away"}}`)
			}))
			defer s.Close()
			dir := t.TempDir()
			ca, token, out := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "token"), filepath.Join(dir, "deep", "out")
			for file, text := range map[string][]byte{
				ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), token: []byte("t\n"),
			} {
				if err := os.WriteFile(file, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := append(tt.args, "--url", s.URL, "--ca", ca, "--token-file", token)
			if tt.args[1] == "download" {
				args = append(args, "-o", out)
			}
			var stdout, stderr bytes.Buffer
			if code := cli.Main(args, nil, &stdout, &stderr); code != 1 {
				t.Errorf("got exit code %d, want 1", code)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("stderr lacks %q:\n%s", want, stderr.String())
				}
			}
			if !strings.Contains(stdout.String(), tt.stays) || tt.stays == "" && stdout.Len() > 0 {
				t.Errorf("got %q on stdout, want %q", stdout.String(), tt.stays)
			}
			if _, err := os.Stat(filepath.Join(dir, "b.txt")); err == nil {
				t.Error("it wrote outside of the folder")
			}
		})
	}
}
