package api

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/access/password"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// TestInProcess: this program's own callers are who the request's context says, as they are now, and
// no header makes them anybody else.
func TestInProcess(t *testing.T) {
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	kv, err := st.KV(t.Context(), access.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		t.Fatal(err)
	}
	users, err := access.Open(t.Context(), access.Config{KV: kv, Cost: password.Cost{MemoryKiB: 64, Passes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	const good = "correct horse battery"
	in := map[access.Role]access.Principal{}
	for _, r := range access.Roles {
		if _, err := users.Create(t.Context(), access.NewUser{Name: string(r), Role: r, Password: good}); err != nil {
			t.Fatal(err)
		}
		if in[r], err = users.SignIn(t.Context(), "192.0.2.1", string(r), good); err != nil {
			t.Fatal(err)
		}
	}
	a := &API{Config: Config{Users: users, Logger: slog.New(slog.DiscardHandler)}, token: sha256.Sum256([]byte("the admin token")), operators: http.NewServeMux()}
	a.admin(a.operators)
	if _, err := New(Config{}); err == nil || err.Error() != "starting the API: no admin token" { // who shows none would be an administrator
		t.Errorf("without an admin token: got %v", err)
	}
	said := ""
	ask := func(ctx context.Context, method string) int {
		r := httptest.NewRequestWithContext(ctx, method, v1.Prefix+"users", nil)
		r.Header.Set("Authorization", "Bearer the admin token")
		r.Header.Set("X-Forwarded-User", "administrator")
		r.Header.Set("X-Remote-User", "administrator")
		w := httptest.NewRecorder()
		a.AdminHandler().ServeHTTP(w, r)
		said = w.Body.String()
		return w.Code
	}
	if got := ask(t.Context(), "GET"); got != 401 || !strings.Contains(said, `"message":"nobody has signed in"`) {
		t.Errorf("nobody: got %d %s", got, said)
	}
	for role, want := range map[access.Role]int{access.Viewer: 403, access.Operator: 403, access.Administrator: 200} {
		if got := ask(access.With(t.Context(), in[role]), "GET"); got != want {
			t.Errorf("%s: got %d, want %d", role, got, want)
		}
	}
	forged := in[access.Viewer]
	forged.Role = access.Administrator
	if got := ask(access.With(t.Context(), forged), "GET"); got != 403 {
		t.Errorf("a session that says more than its user: got %d", got)
	}
	for what, p := range map[string]access.Principal{
		"empty": {}, "without a stamp": {Name: "administrator", Role: access.Administrator, How: access.ByPassword}, "a token that is none": {Name: "token:x", Role: access.Administrator, How: access.ByToken, Stamp: "x"},
	} {
		if got := ask(access.With(t.Context(), p), "GET"); got != 401 {
			t.Errorf("%s: got %d", what, got)
		}
	}
	if err := users.Remove(t.Context(), "viewer"); err != nil {
		t.Fatal(err)
	}
	if got := ask(access.With(t.Context(), in[access.Viewer]), "GET"); got != 401 {
		t.Errorf("removed: got %d", got)
	}
}
