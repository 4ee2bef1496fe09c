package sso_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
	"tcenvsvr/test/oidc"
)

const redirect = "https://cloud.example" + sso.CallbackPath

// ada is who signs in.
var ada = map[string]any{
	"sub": "4711", "email": "Ada@Example.com", "email_verified": true, "preferred_username": "ada",
	"groups": []string{"staff", "cn=ops,ou=x"},
}

// start starts a provider, and what signs in by it.
func start(t *testing.T) (*oidc.Provider, *sso.Provider) {
	t.Helper()
	at := oidc.Start(t)
	at.Register(redirect)
	at.Now(false, ada)
	return at, open(t, at)
}

func open(t *testing.T, at *oidc.Provider) *sso.Provider {
	t.Helper()
	p, err := sso.New(sso.Config{
		Issuer: at.URL, ClientID: oidc.Client, ClientSecret: oidc.Secret, RedirectURL: redirect, CA: at.CA, Label: "Example",
		Roles: map[string]access.Role{"staff": access.Viewer, "cn=ops,ou=x": access.Operator, "admins": access.Administrator},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// walk does what a browser does between Begin and Finish.
func walk(t *testing.T, at *oidc.Provider, p *sso.Provider) (sso.Flow, url.Values) {
	t.Helper()
	to, f, err := p.Begin(t.Context(), "/console/apps")
	if err != nil {
		t.Fatal(err)
	}
	return f, at.Browse(t, to).Query()
}

// finish signs in, and returns what is said when that fails.
func finish(ctx context.Context, t *testing.T, p *sso.Provider, f sso.Flow, answer url.Values) (access.Identity, string) {
	t.Helper()
	id, err := p.Finish(ctx, f, answer)
	if err == nil {
		return id, ""
	}
	e, ok := errors.AsType[*sso.Problem](err)
	if !ok || e.Status < 400 || e.Text == "" || e.Hint == "" || id.ID != "" {
		t.Fatalf("got %+v, %#v", id, err)
	}
	if strings.Contains(err.Error(), oidc.Secret) || f.Verifier != "" && strings.Contains(err.Error(), f.Verifier) {
		t.Errorf("the error has a secret: %v", err)
	}
	return id, err.Error()
}

func TestSignIn(t *testing.T) {
	at, p := start(t)
	f, answer := walk(t, at, p)
	id, said := finish(t.Context(), t, p, f, answer)
	want := access.Identity{Subject: access.Subject{Issuer: at.URL, ID: "4711"}, Email: "Ada@Example.com", Name: "ada", Role: access.Operator}
	if id != want || f.Next != "/console/apps" {
		t.Errorf("got %+v, %s; want %+v", id, said, want)
	}
	if _, said := finish(t.Context(), t, p, f, answer); !strings.Contains(said, "used already") {
		t.Errorf("with the same code again: %q", said)
	}
}

// TestWho: an address that the provider did not verify is none, and only groups of the table give a role.
func TestWho(t *testing.T) {
	at, p := start(t)
	for name, tt := range map[string]struct {
		claims map[string]any
		email  string
		role   access.Role
	}{
		"not verified":       {map[string]any{"sub": "1", "email": "root@example.com", "email_verified": false}, "", ""},
		"verified not said":  {map[string]any{"sub": "1", "email": "root@example.com"}, "", ""},
		"verified in a text": {map[string]any{"sub": "1", "email": "a@example.com", "email_verified": "true"}, "a@example.com", ""},
		"verified by 1":      {map[string]any{"sub": "1", "email": "a@example.com", "email_verified": 1}, "", ""},
		"one group":          {map[string]any{"sub": "1", "groups": "admins"}, "", access.Administrator},
		"the highest":        {map[string]any{"sub": "1", "groups": []string{"staff", "admins", "none"}}, "", access.Administrator},
		"another group":      {map[string]any{"sub": "1", "groups": []string{"Admins", "", "administrator"}}, "", ""},
		"no groups":          {map[string]any{"sub": "1", "groups": nil}, "", ""},
		"too many groups":    {map[string]any{"sub": "1", "_claim_names": map[string]string{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]string{"endpoint": "https://evil.invalid"}}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			at.Now(false, tt.claims)
			f, answer := walk(t, at, p)
			id, said := finish(t.Context(), t, p, f, answer)
			if said != "" || id.Email != tt.email || id.Role != tt.role {
				t.Errorf("got %+v, %q", id, said)
			}
		})
	}
}

// TestOtherFlows: an answer is for the browser and the sign-in that it was asked for in, and only that.
func TestOtherFlows(t *testing.T) {
	at, p := start(t)
	f, answer := walk(t, at, p)
	other, _ := walk(t, at, p)
	old := f
	old.Begun = old.Begun.Add(-sso.FlowLife - time.Second)
	with := func(change func(url.Values)) url.Values {
		v := url.Values{}
		for name := range answer {
			v[name] = slices.Clone(answer[name])
		}
		change(v)
		return v
	}
	for name, tt := range map[string]struct {
		flow   sso.Flow
		answer url.Values
		want   string
	}{
		"no flow":                     {sso.Flow{}, answer, "in another browser"},
		"no flow, no state":           {sso.Flow{}, url.Values{}, "in another browser"},
		"another flow":                {other, answer, "in another browser"},
		"an old flow":                 {old, answer, "too long ago"},
		"two states":                  {f, with(func(v url.Values) { v.Add("state", "x") }), "state twice"},
		"two codes":                   {f, with(func(v url.Values) { v.Add("code", "x") }), "code twice"},
		"another provider":            {f, with(func(v url.Values) { v.Set("iss", "https://evil.invalid") }), "names another provider"},
		"no provider, which it names": {f, with(func(v url.Values) { v.Del("iss") }), "names another provider"},
		"no code":                     {f, with(func(v url.Values) { v.Del("code") }), "no code"},
		"denied":                      {f, with(func(v url.Values) { v.Set("error", "access_denied") }), "did not let you in (access_denied)"},
		"hostile error":               {f, with(func(v url.Values) { v.Set("error", "<script>"); v.Set("error_description", "call 0900") }), "did not let you in (without a reason)"},
		"down":                        {f, with(func(v url.Values) { v.Set("error", "temporarily_unavailable") }), "cannot be reached"},
		"another verifier":            {func() sso.Flow { g := f; g.Verifier = other.Verifier; return g }(), answer, "used already"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, said := finish(t.Context(), t, p, tt.flow, tt.answer); !strings.Contains(said, tt.want) || strings.Contains(said, "0900") {
				t.Errorf("got %q; want %q", said, tt.want)
			}
		})
	}
}

// forever answers without an end.
func forever(begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write([]byte(begin))
		for block := []byte(strings.Repeat(" ", 32<<10)); err == nil && r.Context().Err() == nil; {
			_, err = w.Write(block)
		}
	}
}

// TestLies: no ID token is believed that is not good, whoever made it, and no answer is too much.
func TestLies(t *testing.T) {
	at, _ := start(t)
	claim := func(name string, value any) oidc.Lies {
		return oidc.Lies{Claims: func(c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}}
	}
	sign := func(by func(p *oidc.Provider, claims []byte) string) oidc.Lies { return oidc.Lies{Sign: by} }
	none := func([]byte) []byte { return nil }
	mac := func(key []byte) func([]byte) []byte {
		return func(text []byte) []byte {
			h := hmac.New(sha256.New, key)
			h.Write(text)
			return h.Sum(nil)
		}
	}
	serve := func(path string, h http.HandlerFunc) oidc.Lies {
		return oidc.Lies{Serve: map[string]http.HandlerFunc{path: h}}
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/.well-known/openid-configuration", http.StatusTemporaryRedirect)
	}
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	for name, tt := range map[string]struct {
		lies oidc.Lies
		want string
	}{
		"another issuer":       {claim("iss", "https://evil.invalid"), "not good"},
		"another audience":     {claim("aud", "another-client"), "not good"},
		"many audiences":       {claim("aud", []string{oidc.Client, "another-client"}), "made for another client"},
		"another party":        {claim("azp", "another-client"), "made for another client"},
		"no audience":          {claim("aud", nil), "not good"},
		"expired":              {claim("exp", ago(time.Hour)), "differ by 1h"},
		"no expiry":            {claim("exp", nil), "until when"},
		"of the future":        {claim("iat", ago(-time.Hour)), "differ by"},
		"not yet":              {claim("nbf", ago(-time.Hour)), "not good"},
		"another nonce":        {claim("nonce", "x"), "of another sign-in"},
		"no nonce":             {claim("nonce", nil), "of another sign-in"},
		"another access token": {claim("at_hash", "x"), "another access token"},
		"claims of a type":     {claim("email", []int{1}), "not readable"},
		"groups of a type":     {claim("groups", map[string]int{"admins": 1}), "not texts"},
		"alg none":             {sign(func(_ *oidc.Provider, c []byte) string { return oidc.JWT(map[string]any{"alg": "none"}, c, none) }), "not good"},
		"HS256 by public key": {sign(func(p *oidc.Provider, c []byte) string {
			return oidc.JWT(map[string]any{"alg": "HS256"}, c, mac(p.PublicKey()))
		}), "not good"},
		"HS256 by the secret": {sign(func(_ *oidc.Provider, c []byte) string {
			return oidc.JWT(map[string]any{"alg": "HS256"}, c, mac([]byte(oidc.Secret)))
		}), "not good"},
		"a key in the token": {sign(func(p *oidc.Provider, c []byte) string {
			return oidc.JWT(map[string]any{"alg": "RS256", "jwk": p.JWK()}, c, none)
		}), "not good"},
		"another signature": {sign(func(p *oidc.Provider, c []byte) string { return p.Sign(c[:len(c)-1]) + "x" }), "not good"},
		"no ID token":       {sign(func(*oidc.Provider, []byte) string { return "" }), "no ID token"},
		"no keys":           {serve("/keys", http.NotFound), "404"},
		"endless keys":      {serve("/keys", forever(`{"keys":[`)), "too large"},
		"keys elsewhere":    {serve("/keys", elsewhere), "307"},
		"token elsewhere":   {serve("/token", elsewhere), "307"},
		"an endless token":  {serve("/token", forever(`{`)), "too large"},
		"no token":          {serve("/token", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>" + oidc.Secret)) }), "cannot be reached"},
		"another secret": {serve("/token", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			w.Write([]byte(`{"error":"invalid_client","error_description":"` + oidc.Secret + `"}`))
		}), "does not accept this cloud's client id or secret"},
	} {
		t.Run(name, func(t *testing.T) {
			at.Lie(oidc.Lies{})
			p := open(t, at)
			f, answer := walk(t, at, p)
			at.Lie(tt.lies)
			if _, said := finish(t.Context(), t, p, f, answer); !strings.Contains(said, tt.want) {
				t.Errorf("got %q; want %q", said, tt.want)
			}
		})
	}
}

// TestDiscovery: what a provider says of itself is believed as far as it is about itself, over https.
func TestDiscovery(t *testing.T) {
	at, _ := start(t)
	const path = "/.well-known/openid-configuration"
	field := func(name string, value any) oidc.Lies {
		return oidc.Lies{Discovery: func(d map[string]any) { d[name] = value }}
	}
	serve := func(h http.HandlerFunc) oidc.Lies { return oidc.Lies{Serve: map[string]http.HandlerFunc{path: h}} }
	for name, tt := range map[string]struct {
		lies oidc.Lies
		want string
	}{
		"another issuer": {field("issuer", "https://evil.invalid"), "did not match"},
		"clear keys":     {field("jwks_uri", "http://localhost/keys"), "jwks_uri is no https"},
		"clear token":    {field("token_endpoint", "http://localhost/token"), "token_endpoint is no https"},
		"clear sign-in":  {field("authorization_endpoint", "javascript:alert(1)"), "authorization_endpoint is no https"},
		"no secrets":     {field("token_endpoint_auth_methods_supported", []string{"private_key_jwt"}), "no client secret"},
		"endless":        {serve(forever(`{"issuer":"`)), "too large"},
		"elsewhere":      {serve(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, path, http.StatusFound) }), "302"},
		"broken":         {serve(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }), "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			at.Lie(tt.lies)
			if _, _, err := open(t, at).Begin(t.Context(), "/console/"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v; want %q", err, tt.want)
			}
		})
	}
}

// TestSkew: clocks that differ by less than a minute do not matter.
func TestSkew(t *testing.T) {
	at, p := start(t)
	for _, by := range []time.Duration{-45 * time.Second, 45 * time.Second} {
		at.Lie(oidc.Lies{Claims: func(c map[string]any) {
			c["iat"], c["exp"] = time.Now().Add(by).Unix(), time.Now().Add(by+time.Second).Unix()
		}})
		f, answer := walk(t, at, p)
		if _, said := finish(t.Context(), t, p, f, answer); said != "" {
			t.Errorf("by %s: %s", by, said)
		}
	}
}

// TestRotation: keys that are replaced do not keep anybody away, and the one before is worth nothing.
func TestRotation(t *testing.T) {
	at, p := start(t)
	for range 3 {
		f, answer := walk(t, at, p)
		if _, said := finish(t.Context(), t, p, f, answer); said != "" {
			t.Fatal(said)
		}
		at.Rotate(t)
	}
}

// TestDown: who waits for a provider that does not answer does so for no longer than they want, and what
// it said of itself holds while it is away.
func TestDown(t *testing.T) {
	at, p := start(t)
	hang := make(chan struct{})
	at.Lie(oidc.Lies{Serve: map[string]http.HandlerFunc{"/.well-known/openid-configuration": func(http.ResponseWriter, *http.Request) { <-hang }}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := p.Begin(ctx, ""); err == nil || !strings.Contains(err.Error(), "Example cannot be reached") {
		t.Errorf("got %v", err)
	}
	close(hang)
	at.Lie(oidc.Lies{})
	f, answer := walk(t, at, p)
	at.Stop()
	if _, _, err := p.Begin(t.Context(), ""); err != nil {
		t.Errorf("got %v", err)
	}
	if _, said := finish(t.Context(), t, p, f, answer); !strings.Contains(said, "Example cannot be reached") {
		t.Errorf("got %q", said)
	}
	if _, _, err := open(t, at).Begin(t.Context(), ""); err == nil {
		t.Error("a provider that is down was found")
	}
}

// TestUntrusted: another CA's certificate is not the provider's.
func TestUntrusted(t *testing.T) {
	at, _ := start(t)
	p, err := sso.New(sso.Config{Issuer: at.URL, ClientID: oidc.Client, RedirectURL: redirect})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Begin(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	good := sso.Config{Issuer: "https://sso.example/realms/x", ClientID: "c", RedirectURL: redirect}
	if err := good.Check(); err != nil || good.Name() != "sso.example" {
		t.Errorf("got %v, %q", err, good.Name())
	}
	for name, change := range map[string]func(*sso.Config){
		"no issuer":        func(c *sso.Config) { c.Issuer = "" },
		"clear issuer":     func(c *sso.Config) { c.Issuer = "http://sso.example" },
		"issuer with user": func(c *sso.Config) { c.Issuer = "https://u:hidden@sso.example" },
		"damaged issuer":   func(c *sso.Config) { c.Issuer = "https://u:hidden@sso.example:x/" },
		"issuer with ?":    func(c *sso.Config) { c.Issuer = "https://sso.example?x" },
		"no client":        func(c *sso.Config) { c.ClientID = "" },
		"no redirect":      func(c *sso.Config) { c.RedirectURL = "" },
		"other path":       func(c *sso.Config) { c.RedirectURL = "https://cloud.example/console/" },
		"redirect with #":  func(c *sso.Config) { c.RedirectURL = redirect + "#x" },
		"role":             func(c *sso.Config) { c.Roles = map[string]access.Role{"g": "root"} },
		"group":            func(c *sso.Config) { c.Roles = map[string]access.Role{"": access.Viewer} },
		"scope":            func(c *sso.Config) { c.Scopes = []string{"a b"} },
		"CA":               func(c *sso.Config) { c.CA = []byte("x") },
	} {
		c := good
		change(&c)
		if _, err := sso.New(c); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
