package platform_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/api/leftover"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/platform"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/batch"
	"tcenvsvr/cmd/tccloud/internal/platform/datastore"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// lab is a platform behind a real server. Its callers are named by their header Run.
type lab struct {
	t      *testing.T
	url    string
	runs   map[string]dispatch.Execution
	store  *artifact.Store
	spool  string
	intake error
	st     *store.Store

	platform *platform.Platform
	buckets  map[string]jetstream.KeyValue
}

func newLab(t *testing.T) *lab {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	l := &lab{t: t, st: st, spool: filepath.Join(t.TempDir(), "spool"), runs: map[string]dispatch.Execution{}}
	for id, env := range map[string]string{"feed": "lab", "other": "lab", "far": "else"} {
		e := dispatch.Execution{ID: wire.OrderID(id), Attempt: 1, Environment: env}
		e.App.Name = "Feed"
		l.runs[id] = e
	}
	other := l.runs["other"]
	other.App.Name = "Other"
	l.runs["other"] = other
	records, err1 := st.KV(t.Context(), artifact.RecordsBucket, store.KVOptions{})
	content, err2 := st.Objects(t.Context(), artifact.ContentBucket)
	data, err3 := st.KV(t.Context(), datastore.Bucket, store.KVOptions{})
	metrics, err4 := st.KV(t.Context(), platform.MetricsBucket, store.KVOptions{})
	tenants, err5 := st.KV(t.Context(), platform.TenantsBucket, store.KVOptions{})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	if l.store, err = artifact.Open(artifact.Config{Records: records, Content: content, Dir: l.spool}); err != nil {
		t.Fatal(err)
	}
	p := platform.New(platform.Config{
		Execution: func(_ context.Context, s api.Session) (dispatch.Execution, error) { return l.runs[s.ID], nil },
		Artifacts: l.store, Data: datastore.New(data), Metrics: metrics, Tenants: tenants, ForgetAfter: time.Nanosecond,
		Intake: func() error { return l.intake },
	})
	server := httptest.NewServer(leftover.Drain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Serve(w, r, api.Session{ID: r.Header.Get("Run")})
	})))
	t.Cleanup(server.Close)
	l.url, l.platform, l.buckets = server.URL, p, map[string]jetstream.KeyValue{"data": data, "metrics": metrics, "tenants": tenants}
	return l
}

// ask sends a request and returns the status and the body.
func (l *lab) ask(run, method, path string, body any, header ...string) (int, string) {
	l.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case io.Reader:
		r = b
	}
	q, err := http.NewRequestWithContext(l.t.Context(), method, l.url+path, r)
	if err != nil {
		l.t.Fatal(err)
	}
	q.Header.Set("Run", run)
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(text))
}

// halfAsk sends a request whose body ends after a part, and returns the answer.
func (l *lab) halfAsk(run, path, part string) (int, string) {
	l.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		l.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: cloud\r\nRun: %s\r\nContent-Length: 1000\r\n\r\n%s", path, run, part)
	_ = conn.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// want fails unless the answer has the status and holds the texts.
func (l *lab) want(status int, texts ...string) func(gotStatus int, got string) {
	return func(gotStatus int, got string) {
		l.t.Helper()
		if gotStatus != status {
			l.t.Errorf("got %d %.300s, want %d", gotStatus, got, status)
		}
		for _, text := range texts {
			if !strings.Contains(got, text) {
				l.t.Errorf("got %.300s, want %s in it", got, text)
			}
		}
	}
}

const settings = `{"owner":"Source","action":"Create","haltOnError":"false","version":"V2"}`

func indicators(n int) string {
	var b strings.Builder
	b.WriteString(`{"indicator":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"Host","summary":"h%d.example","rating":3,"confidence":50}`, i)
	}
	b.WriteString(`]}`)
	return b.String()
}

func zipped(text string) io.Reader {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return &b
}

func (l *lab) create(run string) string {
	l.t.Helper()
	status, text := l.ask(run, "POST", "/v2/batch", settings)
	var a struct {
		Status string
		Data   struct{ BatchID int }
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil || status != http.StatusCreated || a.Status != "Success" {
		l.t.Fatalf("creating a batch: %d %s %v", status, text, err)
	}
	return fmt.Sprintf("/v2/batch/%d", a.Data.BatchID)
}

func TestBatch(t *testing.T) {
	l := newLab(t)
	b := l.create("feed")
	l.want(200, `"status":"Created"`)(l.ask("feed", "GET", b, nil))
	l.want(400, `"description":"Batch still in Created state"`, `"status":"Invalid"`)(l.ask("feed", "GET", b+"/errors", nil))
	l.want(202, `"status":"Queued"`)(l.ask("feed", "POST", b, zipped(indicators(1000)), "Content-Type", "application/octet-stream"))
	l.want(200, `"status":"Completed"`, `"successCount":1000`, `"errorCount":0`, `"unprocessCount":0`)(l.ask("feed", "GET", b+"?includeAdditional=true", nil))
	l.want(404, `the batch has no errors`)(l.ask("feed", "GET", b+"/errors", nil))
	l.want(202)(l.ask("feed", "POST", b, indicators(1000))) // the same again
	l.want(400, `Batch is in Completed state`)(l.ask("feed", "POST", b, indicators(2)))
	for _, path := range []string{b, b + "/errors", b + "/results"} {
		l.want(404)(l.ask("other", "GET", path, nil))
	}
	l.want(404)(l.ask("other", "POST", b, indicators(2)))
	l.want(404)(l.ask("feed", "GET", "/v2/batch/x", nil))

	bad := l.create("feed")
	l.want(202)(l.ask("feed", "POST", bad, `{"indicator":[{"type":"Ghost","summary":"x"}]}`))
	l.want(200, `"errorCount":1`, `"successCount":0`)(l.ask("feed", "GET", bad, nil))
	l.want(200, `[{"errorMessage":`, `"errorReason":"there is no type of indicators called \"Ghost\""`)(l.ask("feed", "GET", bad+"/errors", nil))
	l.want(200, `"code":"0x1005"`)(l.ask("feed", "GET", bad+"/results", nil))
	l.want(200, `[]`)(l.ask("feed", "GET", bad+"/results?code=0x1003", nil))

	list, err := l.store.List(t.Context(), "feed")
	if err != nil || len(list) != 2 || list[0].Report.Indicators.Accepted != 1000 || list[0].Owner != "Source" {
		t.Fatalf("got %+v, %v", list, err)
	}
	content, about, err := l.store.Content(t.Context(), "feed", list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(content)
	if string(text) != indicators(1000) || about.Size != int64(len(text)) || err != nil {
		t.Errorf("the content is not what was sent: %d bytes, said %d, %v", len(text), about.Size, err)
	}
	if rest, err := os.ReadDir(l.spool); len(rest) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", rest, err)
	}
}

func TestCreateAndUpload(t *testing.T) {
	l := newLab(t)
	form := func(parts ...string) (io.Reader, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for i := 0; i < len(parts); i += 2 {
			part, _ := w.CreateFormFile(parts[i], parts[i])
			_, _ = io.WriteString(part, parts[i+1])
		}
		_ = w.Close()
		return &b, w.FormDataContentType()
	}
	body, kind := form("config", settings, "content", indicators(3))
	l.want(200, `"batchStatus":{`, `"status":"Completed"`, `"successCount":3`)(l.ask("feed", "POST", "/v2/batch/createAndUpload?includeAdditional=true", body, "Content-Type", kind))
	body, kind = form("content", indicators(3))
	l.want(400, `no form of config and then content`)(l.ask("feed", "POST", "/v2/batch/createAndUpload", body, "Content-Type", kind))
	body, kind = form("config", `{}`)
	l.want(400, `owner`)(l.ask("feed", "POST", "/v2/batch/createAndUpload", body, "Content-Type", kind))
	l.want(400, `no form of config and then content`)(l.ask("feed", "POST", "/v2/batch/createAndUpload", "x"))
	body, kind = form("config", strings.Repeat(" ", batch.MaxSettings+1), "content", indicators(3))
	l.want(400, `config is cut off, or has more than 16384 bytes`)(l.ask("feed", "POST", "/v2/batch/createAndUpload", body, "Content-Type", kind))
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestHostileBatches(t *testing.T) {
	l := newLab(t)
	b := l.create("feed")
	const large = `"description":"File size greater than allowable limit of 134217728"`
	bomb := func(n int64) io.Reader {
		r, w := io.Pipe()
		go func() {
			z := gzip.NewWriter(w)
			_, _ = io.Copy(z, io.MultiReader(strings.NewReader(`{"indicator":["`), io.LimitReader(zeros{}, n)))
			_ = z.Close()
			_ = w.Close()
		}()
		return r
	}
	l.want(400, large)(l.ask("feed", "POST", b, bomb(2<<30)))
	l.want(400, large)(l.ask("feed", "POST", b, io.LimitReader(zeros{}, platform.MaxContent+1)))
	l.want(200, `"status":"Created"`)(l.ask("feed", "GET", b, nil)) // the App may send less

	// It breaks off: nothing is completed.
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, indicators(100)[:500])
		_ = w.CloseWithError(errors.New("the App died"))
	}()
	q, _ := http.NewRequestWithContext(t.Context(), "POST", l.url+b, r)
	q.Header.Set("Run", "feed")
	if res, err := http.DefaultClient.Do(q); err == nil {
		_ = res.Body.Close()
		t.Errorf("got %s", res.Status)
	}
	for _, path := range []string{b, "/v2/batch", "/v2/notifications"} {
		l.want(400, `the body broke off`)(l.halfAsk("feed", path, `{"indicator":[`))
	}
	l.want(200, `"status":"Created"`)(l.ask("feed", "GET", b, nil))

	// What is no JSON is an error of the batch, and so is gzip that is cut off.
	l.want(202)(l.ask("feed", "POST", b, `{"indicator":[{"type":"Host","summary":"a"},`))
	l.want(200, `"status":"Completed"`, `"errorCount":1`, `"successCount":1`)(l.ask("feed", "GET", b, nil))
	l.want(200, `"code":"0x1003"`)(l.ask("feed", "GET", b+"/results", nil))
	cut := l.create("feed")
	text, _ := io.ReadAll(zipped(indicators(1000)))
	l.want(202)(l.ask("feed", "POST", cut, bytes.NewReader(text[:len(text)/2])))
	l.want(200, `"errorCount":1`)(l.ask("feed", "GET", cut, nil))
	l.want(400, `the body is not the gzip that it seems to be`)(l.ask("feed", "POST", l.create("feed"), "\x1f\x8bxxxxxxxxxxxx"))

	for name, body := range map[string]string{
		"none": "", "a list": "[]", "wrong types": `{"owner":5}`, "no owner": `{"action":"Create"}`, "another action": `{"owner":"o","action":"Burn"}`,
		"deep": strings.Repeat("[", 10_000), "halt": `{"owner":"o","haltOnError":{}}`,
	} {
		status, text := l.ask("feed", "POST", "/v2/batch", body)
		if status != 400 || !strings.Contains(text, `"status":"Failure"`) {
			t.Errorf("%s: got %d %s", name, status, text)
		}
	}
	const large16 = `the body is too large: at most 16384 bytes are taken`
	l.want(413, large16)(l.ask("feed", "POST", "/v2/batch", strings.Repeat(" ", 20<<10)))
	l.want(413, large16)(l.ask("feed", "POST", "/v2/batch", io.LimitReader(zeros{}, 20<<10))) // it does not say how long it is
	l.intake = errors.New("full")
	l.want(503, `no batch is taken now`)(l.ask("feed", "POST", "/v2/batch", settings))
	if rest, err := os.ReadDir(l.spool); len(rest) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", rest, err)
	}
}

// TestNoStore: an App learns that the cloud cannot keep anything now, and that it is worth while to try again.
func TestNoStore(t *testing.T) {
	l := newLab(t)
	b := l.create("feed")
	if err := os.RemoveAll(l.spool); err != nil {
		t.Fatal(err)
	}
	l.want(503, `there is no space for a batch now`)(l.ask("feed", "POST", b, indicators(1)))
	l.st.Close()
	for _, path := range []string{b, "/v2/customMetrics"} {
		l.want(503, `the store is not available`)(l.ask("feed", "GET", path, nil))
	}
}

// TestSlowBatches: an execution whose batches do not come to their end leaves room for those of others.
func TestSlowBatches(t *testing.T) {
	l := newLab(t)
	var all sync.WaitGroup
	defer all.Wait()
	const slow = 20 // more than are received at a time
	for range slow {
		r, w := io.Pipe()
		defer w.CloseWithError(errors.New("the App died"))
		q, err := http.NewRequestWithContext(t.Context(), "POST", l.url+l.create("feed"), r)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Run", "feed")
		all.Go(func() {
			if res, err := http.DefaultClient.Do(q); err == nil {
				_ = res.Body.Close()
			}
		})
		_, _ = io.WriteString(w, "{") // it is being sent
	}
	b := l.create("other")
	l.want(202)(l.ask("other", "POST", b, indicators(1)))
	l.want(200, `"status":"Completed"`)(l.ask("other", "GET", b, nil))
}

func TestReads(t *testing.T) {
	l := newLab(t)
	l.want(200, `"name":"lab"`, `"resultCount":1`, `"owner":[`)(l.ask("feed", "GET", "/v2/owners", nil))
	l.want(200, `"name":"else"`)(l.ask("far", "GET", "/v2/owners/mine", nil))
	l.want(200, `"owner":[]`)(l.ask("feed", "GET", "/v2/owners?resultStart=1", nil))
	l.want(400, `resultLimit`)(l.ask("feed", "GET", "/v2/owners?resultLimit=-1", nil))
	l.want(404, `there is no such owner`)(l.ask("feed", "GET", "/v2/owners/2", nil))
	l.want(200, `"name":"Address"`, `"apiBranch":"cidrBlocks"`)(l.ask("feed", "GET", "/v2/types/indicatorTypes", nil))
	l.want(200, `"value3Label":"SHA256"`)(l.ask("feed", "GET", "/v2/types/indicatorTypes/File", nil))
	l.want(404, `there is no such type of indicators`)(l.ask("feed", "GET", "/v2/types/indicatorTypes/Ghost", nil))
	l.want(200, `"associationType":[]`)(l.ask("feed", "GET", "/v2/types/associationTypes", nil))
	l.want(200, `"data":[]`, `"count":0`)(l.ask("feed", "GET", "/v3/indicators?resultLimit=10000", nil))
	l.want(200, `"name":"lab"`)(l.ask("feed", "GET", "/v3/security/owners", nil))
	l.want(200, `"data":[]`)(l.ask("feed", "GET", "/v3/security/users", nil))
	l.want(405, `the method is not supported here: this cloud keeps no threat intelligence`, `--platform`)(l.ask("feed", "POST", "/v3/indicators", "{}"))
	for _, path := range []string{"/v3/token", "/v2/nothing"} {
		l.want(404, `there is no such endpoint: this cloud keeps no threat intelligence`, `--platform`)(l.ask("feed", "GET", path, nil))
	}
	for _, path := range []string{"/v2//owners", "/v2/owners/%00", "/v2/owners/" + strings.Repeat("a", 1025)} {
		l.want(400, `the path is not decodable`)(l.ask("feed", "GET", path, nil))
	}
}

func TestDataStore(t *testing.T) {
	l := newLab(t)
	db := func(run, method, path string, body any) (int, string) {
		t.Helper()
		return l.ask(run, "POST", "/v2/exchange/db/"+path, body, "DB-Method", method)
	}
	// As TcEx opens a data store.
	l.want(404)(db("feed", "GET", "local/cache/_search", nil))
	l.want(201, `"result":"created"`)(db("feed", "POST", "local/cache/temp-index-create", "{}"))
	l.want(200, `"result":"deleted"`)(db("feed", "DELETE", "local/cache/temp-index-create", nil))
	l.want(200, `"acknowledged":true`)(db("feed", "PUT", "local/cache/_mappings", `{"dynamic":false}`))
	l.want(200, `"total":0`)(db("feed", "GET", "local/cache/_search", nil))

	l.want(404, `"found":false`)(db("feed", "GET", "local/cache/one", nil))
	l.want(201, `"_version":1`)(db("feed", "POST", "local/cache/one", `{"a":1}`))
	l.want(200, `"_version":2`, `"result":"updated"`)(db("feed", "PUT", "local/cache/one", `{"a":2}`))
	l.want(200, `"found":true`, `"_source":{"a":2}`)(db("feed", "GET", "local/cache/one", nil))
	l.want(201)(db("feed", "POST", "local/cache/", `{"b":1}`)) // with an id of its own
	l.want(200, `"total":2`, `"_id":"one"`)(db("feed", "GET", "local/cache/", `{"query":{"match_all":{}}}`))
	l.want(200, `"hits":[]`)(db("feed", "GET", "local/cache/_search", `{"from":2}`))
	l.want(404, `"result":"not_found"`)(db("feed", "DELETE", "local/cache/two", nil))

	// Nobody else sees it.
	l.want(404)(db("other", "GET", "local/cache/one", nil))
	l.want(404)(db("far", "GET", "local/cache/one", nil))
	l.want(201)(db("feed", "POST", "organization/shared/one", `{"c":1}`))
	l.want(200, `"c":1`)(db("other", "GET", "organization/shared/one", nil))
	l.want(404)(db("far", "GET", "organization/shared/one", nil))
	l.want(403)(db("feed", "GET", "system/shared/one", nil))
	l.want(404, `Resource Not Found`)(db("feed", "GET", "elsewhere/shared/one", nil))

	for name, body := range map[string]string{"empty": "", "a list": "[]", "no JSON": "{", "deep": `{"a":` + strings.Repeat("[", 100_000)} {
		if status, text := db("feed", "POST", "local/cache/bad", body); status != 400 {
			t.Errorf("%s: got %d %s", name, status, text)
		}
	}
	l.want(413)(db("feed", "POST", "local/cache/large", `{"a":"`+strings.Repeat("a", datastore.MaxRecord)+`"}`))
	l.want(413)(db("feed", "POST", "local/cache/large", io.LimitReader(zeros{}, 2<<20)))
	for _, body := range []string{"[]", `{"from":-1}`, `{"size":-1}`, "x"} {
		l.want(400, `the body is not a search`)(db("feed", "GET", "local/cache/_search", body))
	}
	l.want(400, `match_all`)(db("feed", "GET", "local/cache/_search", `{"query":{"script":{}}}`))
	l.want(400, `DB-Method`)(db("feed", "BREW", "local/cache/one", nil))

	record := `{"a":"` + strings.Repeat("a", datastore.MaxRecord-100) + `"}`
	for i := 0; ; i++ {
		status, text := db("feed", "POST", fmt.Sprintf("local/full/%d", i), record)
		if status == 413 && strings.Contains(text, "full") {
			break
		}
		if status != 201 || i > datastore.MaxBytes/len(record) {
			t.Fatalf("record %d: %d %s", i, status, text)
		}
	}
	l.want(200)(db("feed", "DELETE", "local/full/0", nil))
	l.want(201)(db("feed", "POST", "local/full/0", record))
}

func TestMetrics(t *testing.T) {
	l := newLab(t)
	const daily = `{"name":"seen","dataType":"Sum","interval":"Daily","keyedValues":false,"description":"d"}`
	l.want(200, `"customMetricConfig":[]`)(l.ask("feed", "GET", "/v2/customMetrics?resultLimit=50&resultStart=0", nil))
	l.want(201, `"id":1`)(l.ask("feed", "POST", "/v2/customMetrics", daily))
	l.want(400, `there is a metric of this name`)(l.ask("feed", "POST", "/v2/customMetrics", daily))
	l.want(204)(l.ask("feed", "POST", "/v2/customMetrics/1/data", `{"value":2,"date":"2026-04-09T14:44:00Z"}`))
	l.want(200, `"value":5`, `"date":"2026-04-09T00:00:00Z"`)(l.ask("feed", "POST", "/v2/customMetrics/seen/data?returnValue=true", `{"value":"3","date":"2026-04-09T01:00:00Z"}`))
	l.want(201, `"id":2`)(l.ask("feed", "POST", "/v2/customMetrics", `{"name":"by key","dataType":"Average","interval":"Weekly","keyedValues":true}`))
	l.want(200, `"value":2`, `"date":"2026-04-06T00:00:00Z"`)(l.ask("feed", "POST", "/v2/customMetrics/2/data?returnValue=true", `{"name":"k","value":2,"date":"2026-04-12T01:00:00Z"}`))
	l.want(400, `name is for keyed metrics, which need one`)(l.ask("feed", "POST", "/v2/customMetrics/2/data", `{"value":2}`))
	l.want(400, `name is for keyed metrics, which need one`)(l.ask("feed", "POST", "/v2/customMetrics/1/data", `{"name":"k","value":2}`))
	l.want(200, `"resultCount":2`)(l.ask("feed", "GET", "/v2/customMetrics", nil))
	l.want(200, `"resultCount":0`)(l.ask("other", "GET", "/v2/customMetrics", nil))
	l.want(404, `there is no such metric`)(l.ask("other", "POST", "/v2/customMetrics/1/data", `{"value":1}`))
	const notJSON, notNumber = `the body is not the JSON wanted here`, `value and weight are numbers up to 1e+15, name has at most 128 bytes`
	for _, bad := range []struct{ body, want string }{
		{"", notJSON}, {`{"value":"x"}`, notJSON}, {`{"value":[]}`, notJSON},
		{"{}", `value is missing`},
		{`{"value":1e999}`, notNumber}, {`{"value":1e300}`, notNumber}, {`{"value":1,"weight":-1}`, notNumber},
		{`{"value":1,"name":"` + strings.Repeat("k", 129) + `"}`, notNumber},
	} {
		l.want(400, bad.want)(l.ask("feed", "POST", "/v2/customMetrics/1/data", bad.body))
	}
	l.want(400, `name has 1 to 45 bytes, description at most 500`)(l.ask("feed", "POST", "/v2/customMetrics", `{"dataType":"Sum","interval":"Daily"}`))
	l.want(400, `dataType`)(l.ask("feed", "POST", "/v2/customMetrics", `{"name":"x","dataType":"Most","interval":"Daily"}`))
	l.want(200)(l.ask("feed", "DELETE", "/v2/customMetrics/1", nil))
	l.want(404, `there is no such metric`)(l.ask("feed", "GET", "/v2/customMetrics/seen", nil))
}

// TestManyMetrics: what one App counts is bounded.
func TestManyMetrics(t *testing.T) {
	l := newLab(t)
	add := func(name string) (int, string) {
		t.Helper()
		return l.ask("feed", "POST", "/v2/customMetrics", fmt.Sprintf(`{"name":%q,"dataType":"Sum","interval":"Daily","keyedValues":true}`, name))
	}
	const most = 50
	for i := range most {
		l.want(201)(add(fmt.Sprint("m", i)))
	}
	l.want(400, `an App has at most 50 metrics`)(add("one more"))

	// Each metric has 100 keys of 128 bytes by and by: that many writes would take long.
	keys, err := l.buckets["metrics"].Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.buckets["metrics"].Get(t.Context(), keys[0])
	var list []map[string]any
	if err != nil || json.Unmarshal(e.Value(), &list) != nil {
		t.Fatal(err)
	}
	full := e.Value()
	for i := 0; len(full) < 512<<10; i++ {
		values := map[string]any{}
		for k := range 100 {
			values[fmt.Sprintf("2026-04-09T00:00:00Z %0100d", k)] = map[string]float64{"sum": 0, "weighted": 0, "weight": 0, "count": 0, "min": 0, "max": 0, "first": 0, "last": 0}
		}
		list[i]["values"] = values
		full, _ = json.Marshal(list)
	}
	if _, err := l.buckets["metrics"].Put(t.Context(), keys[0], full); err != nil {
		t.Fatal(err)
	}
	l.want(413, `an App's metrics have at most 524288 bytes in all`)(l.ask("feed", "POST", "/v2/customMetrics/m1/data", `{"name":"k","value":1}`))
	l.want(200)(l.ask("feed", "DELETE", "/v2/customMetrics/m0", nil))
	l.want(201)(add("one more"))
}

func TestNotifications(t *testing.T) {
	l := newLab(t)
	l.want(200, `"status":"Success"`)(l.ask("feed", "POST", "/v2/notifications", `{"notificationType":"Feed","priority":"High","isOrganization":true,"message":"done"}`))
	for _, bad := range []struct{ body, want string }{
		{`{"notificationType":"Feed","priority":"High","message":"done"}`, `recipients, isOrganization or ownerId says who gets it`},
		{`{"notificationType":"Feed","priority":"Urgent","isOrganization":true,"message":"done"}`, `priority is low, medium or high`},
		{`{"notificationType":"system","priority":"low","isOrganization":true,"message":"done"}`, `notificationType has 1 to 50 characters and is not System`},
		{`{"notificationType":"Feed","priority":"low","isOrganization":true}`, `message has 1 to 65536 bytes`},
	} {
		l.want(400, bad.want)(l.ask("feed", "POST", "/v2/notifications", bad.body))
	}
	list, err := l.store.List(t.Context(), "feed")
	if err != nil || len(list) != 1 || list[0].Message != "done" || list[0].Priority != "high" {
		t.Errorf("got %+v, %v", list, err)
	}
}

// TestDeletedEnvironment: what Apps have stored goes with their Environment, and nothing else does.
func TestDeletedEnvironment(t *testing.T) {
	l := newLab(t)
	db := func(run, domain, method, body string) (int, string) {
		return l.ask(run, "POST", "/v2/exchange/db/"+domain+"/type/id", body, "DB-Method", method)
	}
	for _, run := range []string{"feed", "far"} {
		for _, domain := range []string{"local", "organization"} {
			l.want(201)(db(run, domain, "POST", `{"a":1}`))
		}
		l.want(201)(l.ask(run, "POST", "/v2/customMetrics", `{"name":"seen","dataType":"Sum","interval":"Daily"}`))
	}
	count := func() string {
		var text []string
		for _, name := range []string{"data", "metrics", "tenants"} {
			keys, err := l.buckets[name].Keys(t.Context())
			if err != nil && !errors.Is(err, jetstream.ErrNoKeysFound) {
				t.Fatal(err)
			}
			text = append(text, fmt.Sprint(len(keys)))
		}
		return strings.Join(text, " ")
	}
	if got := count(); got != "4 2 6" {
		t.Fatalf("data, metrics and tenants before: %s", got)
	}
	lives := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	for _, tt := range []struct {
		known  []string
		stored bool
		want   string
	}{
		{[]string{"lab", "else"}, true, "4 2 6"},
		{[]string{"lab"}, false, "4 2 6"}, // another gateway does that
		{[]string{"lab"}, true, "2 1 3"},
		{[]string{"lab"}, true, "2 1 3"},
	} {
		if err := l.platform.Forget(t.Context(), lives(tt.known...), tt.stored); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != tt.want {
			t.Errorf("%q are there, stored %v: data, metrics and tenants are %s, want %s", tt.known, tt.stored, got, tt.want)
		}
	}
	l.want(200, `"a":1`)(db("feed", "local", "GET", ""))
	l.want(404)(db("far", "local", "GET", ""))
	l.want(200, `"resultCount":0`)(l.ask("far", "GET", "/v2/customMetrics", nil))
	l.want(201)(db("far", "local", "POST", `{"a":2}`)) // the Environment is made anew
	if got := count(); got != "3 1 4" {
		t.Errorf("data, metrics and tenants at the end: %s", got)
	}
}
