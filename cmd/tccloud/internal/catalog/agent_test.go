package catalog_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// orders says what the dispatcher would: attempt 2 of "ord" runs on "mine".
type orders struct{}

func (orders) Owner(_ context.Context, id wire.OrderID, attempt wire.Attempt) (wire.ServerXID, bool, error) {
	if id != "ord" {
		return "", false, dispatch.ErrNotFound
	}
	return "mine", attempt == 2, nil
}

func (orders) Params(context.Context, wire.OrderID, wire.Attempt) (map[string]string, error) {
	return map[string]string{"k": "v"}, nil
}

// servers knows two tokens.
type servers struct{}

func (servers) Deliver(token string) (wire.ServerXID, error) {
	switch token {
	case "tok-mine":
		return "mine", nil
	case "tok-other":
		return "other", nil
	case "tok-revoked":
		return "", &registry.Denied{Code: wire.CodeRevoked, Message: "revoked"}
	}
	return "", &registry.Denied{Code: wire.CodeBadToken, Message: "no"}
}

type site struct {
	*testing.T
	*catalog.Catalog
	content *bucket.Objects
	dir     string
	url     string
	http    http.RoundTripper
}

func newSite(t *testing.T) *site {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	apps, err := s.KV(t.Context(), catalog.AppsBucket, store.KVOptions{})
	must(err)
	content, err := s.Objects(t.Context(), catalog.BlobsBucket)
	must(err)
	files, err := s.Objects(t.Context(), catalog.FilesBucket)
	must(err)
	dir := t.TempDir()
	blobs, err := blob.Open(filepath.Join(dir, "cache"), content)
	must(err)
	uploads, err := upload.Open(filepath.Join(dir, "uploads"), files)
	must(err)
	c := catalog.New(catalog.Config{Apps: apps, Blobs: blobs, Uploads: uploads, Orders: orders{}, Servers: servers{}})
	server := httptest.NewTLSServer(c.AgentHandler())
	t.Cleanup(server.Close)
	return &site{t, c, content, dir, server.URL, server.Client().Transport}
}

// tcx makes a package.
func tcx(t *testing.T, top, manifest string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range map[string]string{"install.json": manifest, "run.py": "print(1)"} {
		w, err := z.Create(top + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, data)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func manifest(version, level string) string {
	return fmt.Sprintf(`{"programName":"x","programVersion":%q,"programLanguage":"PYTHON","programMain":"run.py","runtimeLevel":%q,
		"params":[{"name":"who","type":"String","required":true},{"name":"n","type":"String","default":"1"}]}`, version, level)
}

func digest(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func unused(wire.SHA256) (bool, error) { return false, nil }

// do makes one request as an agent.
func (s *site) do(method, path, token string, body io.Reader, header ...string) (*http.Response, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+catalog.Prefix+path, body)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.http.RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res, string(b)
}

func TestAppsAndDownload(t *testing.T) {
	s := newSite(t)
	one := tcx(t, "My_App_v1", manifest("1.9.0", "Organization"))
	for _, version := range []string{"1.10.0", "1.2.0"} {
		if _, err := s.Add(t.Context(), bytes.NewReader(tcx(t, "My_App_v1", manifest(version, "Playbook"))), nil, false, unused); err != nil {
			t.Fatal(err)
		}
	}
	app, err := s.Add(t.Context(), bytes.NewReader(one), nil, false, unused)
	if err != nil {
		t.Fatal(err)
	}
	if app.Name != "My_App" || app.Version != "1.9.0" || app.Runtime != wire.RuntimeJob || app.Size != int64(len(one)) || len(app.Params) != 2 {
		t.Errorf("got %+v", app)
	}
	if newest, err := s.Get(t.Context(), "My App", ""); err != nil || newest.Version != "1.10.0" {
		t.Errorf("newest: got %q, %v, want 1.10.0", newest.Version, err)
	}
	if _, err := s.Add(t.Context(), bytes.NewReader(one), nil, false, unused); err != nil {
		t.Errorf("the same again: %v", err)
	}

	res, body := s.do("GET", "apps/"+digest(one), "tok-mine", nil)
	if res.StatusCode != 200 || body != string(one) {
		t.Errorf("download: got %s and %d bytes", res.Status, len(body))
	}
	res, body = s.do("GET", "apps/"+digest(one), "tok-mine", nil, "Range", "bytes=100-")
	if res.StatusCode != 206 || body != string(one[100:]) {
		t.Errorf("range: got %s and %d bytes", res.Status, len(body))
	}
	// A damaged cache file is not served.
	cached := filepath.Join(s.dir, "cache", digest(one))
	if err := os.WriteFile(cached, append([]byte("X"), one[1:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	restarted, err := blob.Open(filepath.Join(s.dir, "cache"), s.content)
	if err != nil {
		t.Fatal(err)
	}
	f, err := restarted.Open(t.Context(), app.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, _ := io.ReadAll(f); !bytes.Equal(got, one) {
		t.Error("a damaged cache file was served")
	}
	// Nor is what somebody put in its place in the store.
	other := tcx(t, "Other_v1", manifest("1.0.0", "Playbook"))
	if err := s.content.PutBytes(t.Context(), strings.Repeat("ab", 32), other); err != nil {
		t.Fatal(err)
	}
	if _, err := restarted.Open(t.Context(), wire.SHA256(strings.Repeat("ab", 32))); err == nil || !strings.Contains(err.Error(), "the object store holds content with digest "+digest(other)) {
		t.Errorf("other content: got %v", err)
	}
	if _, err := s.Find(t.Context(), "My App", ">="); !errors.Is(err, catalog.ErrRange) {
		t.Errorf("no range: got %v", err)
	}
	for path, want := range map[string]int{
		"apps/" + strings.Repeat("0", 64):   404,
		"apps/..%2f..%2fetc%2fpasswd":       404,
		"apps/" + digest(one) + "/../../..": 404,
	} {
		if res, _ := s.do("GET", path, "tok-mine", nil); res.StatusCode != want && res.StatusCode/100 != 3 {
			t.Errorf("%s: got %s, want %d", path, res.Status, want)
		}
	}
	for token, want := range map[string]int{"": 401, "x": 401, "tok-revoked": 403, strings.Repeat("y", 8000): 401} {
		if res, _ := s.do("GET", "apps/"+digest(one), token, nil); res.StatusCode != want {
			t.Errorf("token %.20q: got %s, want %d", token, res.Status, want)
		}
	}
}

func TestAddAndRemove(t *testing.T) {
	s := newSite(t)
	add := func(b []byte, replace bool) error {
		_, err := s.Add(t.Context(), bytes.NewReader(b), nil, replace, unused)
		return err
	}
	for name, tt := range map[string]struct {
		b    []byte
		says string
	}{
		"empty": {nil, "it is empty"}, "no zip": {[]byte("hello"), ""}, "no manifest": {tcx(t, "a_v1", "{}"), ""},
		"no version":   {tcx(t, "a_v1", manifest("", "Playbook")), "programVersion"},
		"long version": {tcx(t, "a_v1", manifest("1.0.0-"+strings.Repeat("a", 59), "Playbook")), "is longer than 64 bytes"},
		"a space":      {tcx(t, "a_v1", manifest("1.0.0", "SpaceOrganization")), ""},
		"no name":      {tcx(t, "_v1", manifest("1.0.0", "Playbook")), `top folder "_v1" gives no name of 1–128 bytes`},
		"long name":    {tcx(t, strings.Repeat("a", 129)+"_v1", manifest("1.0.0", "Playbook")), "gives no name of 1–128 bytes"},
		"unsafe paths": {tcx(t, "../a_v1", manifest("1.0.0", "Playbook")), ""},
	} {
		if err := add(tt.b, false); !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want ErrInvalid and %s", name, err, tt.says)
		}
	}
	first := tcx(t, "a_v1", manifest("1.0.0", "Playbook"))
	second := tcx(t, "a_v1", manifest("1.0.0", "Organization"))
	if err := add(first, false); err != nil {
		t.Fatal(err)
	}
	if err := add(second, false); !errors.Is(err, catalog.ErrExists) {
		t.Errorf("other content: got %v, want ErrExists", err)
	}
	if err := add(second, true); err != nil {
		t.Fatal(err)
	}
	if res, _ := s.do("GET", "apps/"+digest(first), "tok-mine", nil); res.StatusCode != 404 {
		t.Errorf("replaced content: got %s, want 404", res.Status)
	}
	// Content that an execution needs stays when its entry goes.
	used := func(wire.SHA256) (bool, error) { return true, nil }
	if err := s.Remove(t.Context(), "a", "1.0.0", used); err != nil {
		t.Fatal(err)
	}
	if res, _ := s.do("GET", "apps/"+digest(second), "tok-mine", nil); res.StatusCode != 200 {
		t.Errorf("content in use: got %s, want 200", res.Status)
	}
	if err := s.Remove(t.Context(), "a", "", unused); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "cache", ".*")); len(left) > 0 {
		t.Errorf("temp files stay: %q", left)
	}
}

func TestUpload(t *testing.T) {
	s := newSite(t)
	data := bytes.Repeat([]byte("0123456789"), 50_000)
	path := "orders/ord/2/files/dir%2Freport%20%C3%BC.txt"
	put := func(offset int, body []byte, sha string) (int, string, string) {
		t.Helper()
		res, says := s.do("PUT", fmt.Sprintf("%s?offset=%d&size=%d&sha256=%s", path, offset, len(data), sha), "tok-mine", bytes.NewReader(body))
		return res.StatusCode, res.Header.Get("Upload-Offset"), says
	}
	held := func() string {
		t.Helper()
		res, _ := s.do("HEAD", path, "tok-mine", nil)
		if res.StatusCode != 200 {
			t.Errorf("HEAD: got %s", res.Status)
		}
		return res.Header.Get("Upload-Offset")
	}
	good, bad := digest(data), strings.Repeat("0", 64)
	for i, step := range []struct {
		name   string
		offset int
		body   []byte
		sha    string
		status int
		held   string
		says   string
	}{
		{"not from the start", 5, data[5:], good, 409, "0", `not the next byte: 0 bytes of "dir/report ü.txt" are here`},
		{"a first piece", 0, data[:100], good, 202, "100", ""},
		{"the same piece again", 0, data[:100], good, 409, "100", "not the next byte: 100 bytes of "},
		{"beyond what is held", 200, data[200:], good, 409, "100", "not the next byte: 100 bytes of "},
		{"the rest, other digest", 100, data[100:], bad, 422, "0", `digest differs: "dir/report ü.txt" has ` + good + ", announced was " + bad},
		{"all over", 0, data[:400_000], good, 202, "400000", ""},
		{"the rest", 400_000, data[400_000:], good, 204, "500000", ""},
		{"complete already", 500_000, nil, good, 204, "500000", ""},
		{"complete already, all again", 0, data, good, 204, "500000", ""},
		{"another content", 500_000, nil, bad, 422, "0", `digest differs: another version of "dir/report ü.txt" was complete`},
		{"from the start then", 0, data, good, 204, "500000", ""},
	} {
		if status, offset, says := put(step.offset, step.body, step.sha); status != step.status || offset != step.held || !strings.Contains(says, step.says) {
			t.Fatalf("step %d, %s: got %d with %s bytes %q, want %d with %s %q", i, step.name, status, offset, says, step.status, step.held, step.says)
		}
		if got := held(); got != step.held {
			t.Fatalf("step %d, %s: HEAD says %s, want %s", i, step.name, got, step.held)
		}
	}
	// Not one of the names the agent chose is a path.
	parts, _ := filepath.Glob(filepath.Join(s.dir, "uploads", "*", "*"))
	if len(parts) != 1 || strings.Contains(parts[0], "report") {
		t.Errorf("got files %q", parts)
	}
}

func TestUploadRefused(t *testing.T) {
	s := newSite(t)
	sha := digest(nil)
	for name, tt := range map[string]struct {
		path, token string
		want        int
		says        string
	}{
		"no token":         {"orders/ord/2/files/a?offset=0&size=0&sha256=" + sha, "", 401, ""},
		"another server":   {"orders/ord/2/files/a?offset=0&size=0&sha256=" + sha, "tok-other", 410, ""},
		"fenced":           {"orders/ord/1/files/a?offset=0&size=0&sha256=" + sha, "tok-mine", 410, ""},
		"unknown order":    {"orders/no/2/files/a?offset=0&size=0&sha256=" + sha, "tok-mine", 503, ""},
		"bad attempt":      {"orders/ord/-2/files/a?offset=0&size=0&sha256=" + sha, "tok-mine", 400, `order or attempt is not valid`},
		"bad order":        {"orders/a%2Fb/2/files/a?offset=0&size=0&sha256=" + sha, "tok-mine", 400, `order or attempt is not valid`},
		"no offset":        {"orders/ord/2/files/a?size=0&sha256=" + sha, "tok-mine", 400, `offset and size do not describe the body`},
		"negative offset":  {"orders/ord/2/files/a?offset=-1&size=0&sha256=" + sha, "tok-mine", 409, `not the next byte: offset -1 of 0 bytes`},
		"no digest":        {"orders/ord/2/files/a?offset=0&size=0", "tok-mine", 409, `not the next byte: offset 0 of 0 bytes`},
		"too large":        {"orders/ord/2/files/a?offset=0&size=99999999999999&sha256=" + sha, "tok-mine", 413, `more than an execution may publish`},
		"dot dot":          {"orders/ord/2/files/..%2F..%2Fa?offset=0&size=0&sha256=" + sha, "tok-mine", 400, `not a file name: "../../a"`},
		"absolute":         {"orders/ord/2/files/%2Fetc%2Fpasswd?offset=0&size=0&sha256=" + sha, "tok-mine", 400, `not a file name: "/etc/passwd"`},
		"control":          {"orders/ord/2/files/a%0Ab?offset=0&size=0&sha256=" + sha, "tok-mine", 400, `not a file name: "a\nb"`},
		"backslash":        {"orders/ord/2/files/a%5C..%5Cb?offset=0&size=0&sha256=" + sha, "tok-mine", 400, `not a file name: "a\\..\\b"`},
		"long name":        {"orders/ord/2/files/" + strings.Repeat("x", 2000) + "?offset=0&size=0&sha256=" + sha, "tok-mine", 400, `not a file name: "xxx`},
		"an empty file":    {"orders/ord/2/files/a?offset=0&size=0&sha256=" + sha, "tok-mine", 204, ""},
		"params of others": {"orders/ord/2/params", "tok-other", 405, ""},
	} {
		if res, body := s.do("PUT", tt.path, tt.token, nil); res.StatusCode != tt.want || !strings.Contains(body, tt.says) {
			t.Errorf("%s: got %s %q, want %d", name, res.Status, body, tt.want)
		}
	}
	for token, want := range map[string]int{"tok-mine": 200, "tok-other": 410} {
		if res, _ := s.do("GET", "orders/ord/2/params", token, nil); res.StatusCode != want {
			t.Errorf("params for %s: got %s, want %d", token, res.Status, want)
		}
	}
}

// A connection that froze in mid-piece does not hold up the agent that has come back on a new one.
func TestUploadTakesOver(t *testing.T) {
	s := newSite(t)
	data := []byte("0123456789")
	url := fmt.Sprintf("orders/ord/2/files/a?size=10&sha256=%s&offset=", digest(data))
	frozen, half := io.Pipe()
	defer frozen.Close()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", s.url+catalog.Prefix+url+"0", frozen)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer tok-mine")
	r.ContentLength = 10
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if res, err := s.http.RoundTrip(r); err == nil {
			_ = res.Body.Close()
		}
	}()
	if _, err := half.Write(data[:4]); err != nil {
		t.Fatal(err)
	}
	offset := ""
	for offset != "4" { // until what was sent has arrived
		res, _ := s.do("HEAD", "orders/ord/2/files/a", "tok-mine", nil)
		offset = res.Header.Get("Upload-Offset")
		if t.Context().Err() != nil {
			t.Fatal("the piece never arrived")
		}
	}
	res, _ := s.do("PUT", url+"4", "tok-mine", bytes.NewReader(data[4:]))
	if res.StatusCode != 204 {
		t.Errorf("got %s, want 204", res.Status)
	}
	_ = half.Close()
	<-ended
}

// Old partial files and old published files go.
func TestSweep(t *testing.T) {
	s := newSite(t)
	s.do("PUT", "orders/ord/2/files/a?offset=0&size=5&sha256="+digest(nil), "tok-mine", strings.NewReader("xx"))
	folder := filepath.Join(s.dir, "uploads", "ord.2")
	old := time.Now().Add(-9 * 24 * time.Hour)
	if err := os.Chtimes(folder, old, old); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Catalog.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("an abandoned upload was kept")
	}
}
