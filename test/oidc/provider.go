package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Client and Secret are those of the one client that it has.
const (
	Client = "the-cloud"
	Secret = "a secret: with % and ü" //nolint:gosec // of a test
)

// Provider signs in whoever comes, as the one that Now was called with.
type Provider struct {
	URL string // the issuer
	CA  []byte // PEM, of its certificate

	mu       sync.Mutex
	redirect string
	asks     bool
	who      map[string]any
	key      *rsa.PrivateKey
	kid      string
	codes    map[string]asked
	lies     Lies
	server   *httptest.Server
}

// Lies are what it says in place of the truth; what is nil is true.
type Lies struct {
	Discovery func(map[string]any)
	Claims    func(map[string]any)                    // of ID tokens
	Sign      func(p *Provider, claims []byte) string // makes an ID token
	Answer    func(url.Values)                        // what the browser brings back
	Serve     map[string]http.HandlerFunc             // by path
}

// asked is what a code was given for.
type asked struct{ nonce, challenge string }

// Start starts one, that ends with the test.
func Start(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{codes: map[string]asked{}}
	p.Rotate(t)
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	p.server.TLS = &tls.Config{Certificates: []tls.Certificate{p.certificate(t)}}
	p.server.StartTLS()
	t.Cleanup(p.server.Close)
	_, port, err := net.SplitHostPort(p.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p.URL = "https://localhost:" + port
	return p
}

// certificate makes one that is its own CA.
func (p *Provider) certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	p.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Stop ends it; it is down.
func (p *Provider) Stop() { p.server.Close() }

// Rotate gives it another key; the one before is not known any more.
func (p *Provider) Rotate(t testing.TB) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.change(func() { p.key, p.kid = key, rand.Text() })
}

// Register says where browsers may be sent back to.
func (p *Provider) Register(redirect string) { p.change(func() { p.redirect = redirect }) }

// Now has everybody sign in as somebody with these claims. Where it asks, a person has to follow a link on
// a page of it.
func (p *Provider) Now(asks bool, claims map[string]any) {
	p.change(func() { p.asks, p.who = asks, claims })
}

// Lie has it tell lies from now on.
func (p *Provider) Lie(l Lies) { p.change(func() { p.lies = l }) }

func (p *Provider) change(by func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	by()
}

// Browse does what a browser does with the address of a sign-in, and returns where it is sent back to.
func (p *Provider) Browse(t testing.TB, to string) *url.URL {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.CA)
	c := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil {
		body, _ := io.ReadAll(res.Body)
		t.Fatalf("the provider answered %s: %s", res.Status, body)
	}
	return back
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	lie := p.lies.Serve[r.URL.Path]
	p.mu.Unlock()
	if lie != nil { // it may take its time
		lie(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "GET /.well-known/openid-configuration":
		d := map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "authorization_response_iss_parameter_supported": true,
		}
		if p.lies.Discovery != nil {
			p.lies.Discovery(d)
		}
		send(w, http.StatusOK, d)
	case "GET /keys":
		send(w, http.StatusOK, map[string]any{"keys": []any{p.JWK()}})
	case "GET /authorize":
		p.authorize(w, r)
	case "POST /token":
		p.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

// JWK is its public key.
func (p *Provider) JWK() map[string]any {
	e := big.NewInt(int64(p.key.E)).Bytes()
	return map[string]any{"kty": "RSA", "use": "sig", "kid": p.kid, "n": b64(p.key.N.Bytes()), "e": b64(e)}
}

func send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// authorize sends the browser back with a code.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != Client || q.Get("redirect_uri") != p.redirect {
		http.Error(w, fmt.Sprintf("client %q with redirect URL %q is not registered", q.Get("client_id"), q.Get("redirect_uri")), http.StatusBadRequest)
		return
	}
	if q.Get("response_type") != "code" || !slices.Contains(strings.Fields(q.Get("scope")), "openid") || q.Get("state") == "" || q.Get("nonce") == "" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 {
		http.Error(w, "a code is given for openid with state, nonce and a challenge by S256", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.codes[code] = asked{q.Get("nonce"), q.Get("code_challenge")}
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
	if p.lies.Answer != nil {
		p.lies.Answer(back)
	}
	to := p.redirect + "?" + back.Encode()
	if !p.asks {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>Provider</title><link rel="icon" href="data:,"><a href="%s">Sign in</a>`, html.EscapeString(to))
}

// token gives an ID token for a code, once.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	if err1 != nil || err2 != nil || id != Client || secret != Secret {
		send(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "secret " + secret})
		return
	}
	code := r.PostFormValue("code")
	a, ok := p.codes[code]
	delete(p.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != p.redirect || b64(sum[:]) != a.challenge {
		send(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{"iss": p.URL, "aud": Client, "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(), "nonce": a.nonce}
	maps.Copy(claims, p.who)
	if p.lies.Claims != nil {
		p.lies.Claims(claims)
	}
	data, err := json.Marshal(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sign := p.lies.Sign
	if sign == nil {
		sign = (*Provider).Sign
	}
	send(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": sign(p, data)})
}

// Sign makes an ID token by its key.
func (p *Provider) Sign(claims []byte) string {
	return JWT(map[string]any{"alg": "RS256", "kid": p.kid}, claims, func(text []byte) []byte {
		sum := sha256.Sum256(text)
		s, err := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err) // of a good key it does not come
		}
		return s
	})
}

// PublicKey is its key as PEM, which some clients were made to take for a secret of HMAC.
func (p *Provider) PublicKey() []byte {
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		panic(err) // of a good key it does not come
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// JWT makes a token.
func JWT(header map[string]any, claims []byte, sign func(text []byte) []byte) string {
	head, err := json.Marshal(header)
	if err != nil {
		panic(err) // headers are of tests
	}
	text := b64(head) + "." + b64(claims)
	return text + "." + b64(sign([]byte(text)))
}
