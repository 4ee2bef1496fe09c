package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/app/api"
)

const variable = "#App:7979:two.x[0]!String"

// call makes one request with the token as TcEx sends it.
func call(t *testing.T, h http.Handler, method, path, token, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "TC-Token "+token)
	}
	w := httptest.NewRecorder()
	http.StripPrefix("/api", h).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestHandler(t *testing.T) {
	m := api.NewMemory()
	h := api.Handler(api.Config{Store: m, MaxValue: 64})
	token, _ := m.Issue("run", "ctx", map[string]string{"user": "ü", "n": "&{TC:FILE:u-1}"}, time.Hour)
	job, _ := m.Issue("job", "", nil, time.Hour)
	expired, _ := m.Issue("old", "ctx", nil, -time.Second)
	m.SetVariable("run", "TC", "u-1", "c2VjcmV0")
	m.SetVariable("run", "TC", "u-2", "of no parameter")
	const kv = "/api/internal/playbooks/keyValue/"
	python := strings.ReplaceAll(url.QueryEscape(variable), "+", "%20")

	for _, tt := range []struct {
		name, method, path, token, body string
		status                          int
		want                            string
	}{
		{"unset variable is null", "GET", kv + "ctx/" + python, token, "", 200, "null"},
		{"put with context", "PUT", kv + "ctx/" + python, token, `"abc"`, 200, ""},
		{"get with context", "GET", kv + "ctx/" + python, token, "", 200, `"abc"`},
		{"get without context", "GET", kv + python, token, "", 200, `"abc"`},
		{"put without context", "PUT", kv + python, token, `"x"`, 200, ""},
		{"and read back with it", "GET", kv + "ctx/" + python, token, "", 200, `"x"`},
		{"a key with an encoded slash", "PUT", kv + "ctx/a%2Fb%2F%2Fc", token, "s", 200, ""},
		{"is one key", "GET", kv + "a%2Fb%2F%2Fc", token, "", 200, "s"},
		{"a space as Java writes it", "PUT", kv + "ctx/a+b", token, "j", 200, ""},
		{"is the space of Python", "GET", kv + "ctx/a%20b", token, "", 200, "j"},
		{"foreign context", "GET", kv + "other/" + python, token, "", 403, "Failure"},
		{"a job has no context", "GET", kv + python, job, "", 403, "Failure"},
		{"value too large", "PUT", kv + python, token, strings.Repeat("x", 65), 413, "a Playbook variable is too large: at most 64 bytes"},
		{"no key", "GET", kv, token, "", 404, ""},
		{"too many parts", "GET", kv + "a/b/c", token, "", 404, ""},
		{"delete", "DELETE", kv + python, token, "", 405, "the method is not supported here"},
		{"broken escape", "GET", kv + "a%00b", token, "", 400, ""},
		{"a path without end", "GET", kv + strings.Repeat("a", 64<<10), token, "", 414, "the path is too long"},
		{"no token", "GET", kv + python, "", "", 401, "unknown or expired"},
		{"wrong token", "GET", kv + python, "nope", "", 401, ""},
		{"expired token", "GET", kv + python, expired, "", 401, ""},
		{"secure parameters", "GET", "/api/internal/job/execution/parameters", token, "", 200, `{"inputs":{"n":"\u0026{TC:FILE:u-1}","user":"ü"}}`},
		{"no parameters", "GET", "/api/internal/job/execution/parameters", job, "", 200, `{"inputs":{}}`},
		{"runtime variable", "GET", "/api/internal/variable/runtime/TC/u-1", token, "", 200, `{"data":"c2VjcmV0"}`},
		{"that no parameter names", "GET", "/api/internal/variable/runtime/TC/u-2", token, "", 404, ""},
		{"of another execution", "GET", "/api/internal/variable/runtime/TC/u-1", job, "", 404, ""},
		{"logs", "POST", "/api/v2/logs/app", token, `[{"timestamp":5,"message":"hi","level":"INFO"}]`, 200, ""},
		{"logs that are none", "POST", "/api/v2/logs/app", token, `{"a":`, 400, "the body is not a list of log entries"},
		{"unknown endpoint", "GET", "/api/v3/indicators", token, "", 404, "no such endpoint"},
		{"renew with nothing", "GET", "/api/appAuth", "", "", 401, `"success":false`},
		{"renew with a body", "POST", "/api/appAuth", "", "expiredToken=x", 405, "the method is not supported here"},
		{"renew with a foreign token", "GET", "/api/appAuth?expiredToken=x", "", "", 401, `"success":false`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := call(t, h, tt.method, tt.path, tt.token, tt.body)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %q, want %d %q", status, body, tt.status, tt.want)
			}
			if tt.token != "" && strings.Contains(body, tt.token) {
				t.Errorf("the answer shows the token: %q", body)
			}
		})
	}
	if got := m.Log("run"); len(got) != 1 || got[0].Message != "hi" || got[0].TimestampMS != 5 {
		t.Errorf("got log %+v", got)
	}
	if got := string(m.Values("ctx")[variable]); got != `"x"` {
		t.Errorf("got stored value %q", got)
	}
}

// An App renews its token minutes before it expires, and also after.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := api.NewMemory()
		h := api.Handler(api.Config{Store: m})
		token, _ := m.Issue("run", "ctx", nil, time.Minute)
		time.Sleep(2 * time.Minute)
		for _, path := range []string{"/api/appAuth", "/api/appAuth/"} {
			status, body := call(t, h, "GET", path+"?expiredToken="+url.QueryEscape(token), "", "")
			var got struct {
				Success bool
				Token   string `json:"apiToken"`
				Expires string `json:"apiTokenExpires"`
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || !got.Success {
				t.Fatalf("got %d %q, %v", status, body, err)
			}
			if s, err := m.Session(t.Context(), got.Token); err != nil || s.Context != "ctx" || got.Expires == "" {
				t.Errorf("got session %+v, expires %q, %v", s, got.Expires, err)
			}
		}
	})
}

type broken struct{ *api.Memory }

func (broken) Get(context.Context, string, string) ([]byte, error) {
	return nil, errors.New("disk on fire at /secret/place")
}

func TestStoreFailureIsNotShown(t *testing.T) {
	m := api.NewMemory()
	token, _ := m.Issue("run", "ctx", nil, time.Hour)
	status, body := call(t, api.Handler(api.Config{Store: broken{m}}), "GET", "/api/internal/playbooks/keyValue/k", token, "")
	if status != 500 || strings.Contains(body, "secret") {
		t.Errorf("got %d %q", status, body)
	}
}

func TestServer(t *testing.T) {
	m := api.NewMemory()
	token, _ := m.Issue("run", "ctx", nil, time.Hour)
	s, err := api.Listen(api.Config{Store: m})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	r, _ := http.NewRequest("GET", s.APIPath()+"/internal/playbooks/keyValue/ctx/%23App%3A1%3Aa%21String", nil)
	r.Header.Set("Authorization", "TC-Token "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if string(body) != "null" {
		t.Errorf("got %q", body)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("got %v", err)
	}
}
