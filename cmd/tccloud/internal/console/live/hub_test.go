package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"tcenvsvr/cmd/tccloud/internal/console/live"
)

// snapshot is what a rig's hub loads: rows by kind and key.
type snapshot map[string]map[string]live.Row

// rig is a hub whose rows a test makes, of servers and jobs, and of histories, which are followed one
// by one.
type rig struct {
	*testing.T
	now     atomic.Pointer[snapshot]
	fails   atomic.Bool
	loads   atomic.Int64 // of all rows of a kind
	single  atomic.Int64 // of one
	allowed atomic.Bool
	server  *httptest.Server
	stop    func()
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t}
	r.allowed.Store(true)
	r.show(snapshot{"servers": {"a": {"cpu": "1", "name": "A"}, "b": {"cpu": "2", "name": "B"}}})
	h := live.New(live.Config{Kinds: []live.Kind{r.kind("servers", true), r.kind("jobs", true), r.kind("history", false)}})
	mux := http.NewServeMux()
	mux.HandleFunc("/live", func(w http.ResponseWriter, q *http.Request) {
		h.ServeWebSocket(w, q, q.URL.Query().Get("of"), r.allowed.Load)
	})
	mux.HandleFunc("/json", func(w http.ResponseWriter, q *http.Request) { h.ServeJSON(w, q, q.URL.Query().Get("of")) })
	r.server = httptest.NewServer(mux)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	r.stop = func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		done <- nil
	}
	t.Cleanup(func() {
		r.stop()
		r.server.Close()
	})
	return r
}

func (r *rig) kind(name string, whole bool) live.Kind {
	load := func(n *atomic.Int64) (map[string]live.Row, error) {
		n.Add(1)
		if r.fails.Load() {
			return nil, errors.New("secret")
		}
		return (*r.now.Load())[name], nil
	}
	k := live.Kind{Name: name, Every: 10 * time.Millisecond, One: func(_ context.Context, key string) (live.Row, error) {
		rows, err := load(&r.single)
		return rows[key], err
	}}
	if whole {
		k.All = func(context.Context) (map[string]live.Row, error) { return load(&r.loads) }
	}
	return k
}

func (r *rig) show(s snapshot) { r.now.Store(&s) }

func (r *rig) follow(topic string) *websocket.Conn {
	r.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(r.server.URL, "http")+"/live?of="+topic, nil)
	if err != nil {
		r.Fatal(err)
	}
	res.Body.Close()
	r.Cleanup(func() { ws.Close() })
	return ws
}

func (r *rig) next(ws *websocket.Conn) live.Update {
	r.Helper()
	var u live.Update
	_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
	if err := ws.ReadJSON(&u); err != nil {
		r.Fatal(err)
	}
	return u
}

func (r *rig) expect(ws *websocket.Conn, want live.Update) {
	r.Helper()
	if d := cmp.Diff(want, r.next(ws)); d != "" {
		r.Errorf("an update differs (-want +got):\n%s", d)
	}
}

// expectChange is expect where a viewer that was late for a tick may get all rows in place of the change, those of
// before as well.
func (r *rig) expectChange(ws *websocket.Conn, was, now map[string]live.Row, change live.Update) {
	r.Helper()
	for {
		u := r.next(ws)
		switch {
		case u.All && cmp.Diff(was, u.Rows) == "":
			continue
		case u.All:
			change = live.Update{All: true, Rows: now}
		}
		if d := cmp.Diff(change, u); d != "" {
			r.Errorf("an update differs (-want +got):\n%s", d)
		}
		return
	}
}

// TestFollow: all rows come first, then what changed of the topic, and nothing else.
func TestFollow(t *testing.T) {
	r := newRig(t)
	all, one := r.follow("servers"), r.follow("servers/b")
	first := map[string]live.Row{"a": {"cpu": "1", "name": "A"}, "b": {"cpu": "2", "name": "B"}}
	r.expect(all, live.Update{All: true, Rows: first})
	r.expect(one, live.Update{All: true, Rows: map[string]live.Row{"b": first["b"]}})
	second := map[string]live.Row{"a": {"cpu": "9", "name": "A"}, "b": first["b"]}
	r.show(snapshot{"servers": second, "jobs": {"x": {}}})
	r.expectChange(all, first, second, live.Update{Rows: map[string]live.Row{"a": {"cpu": "9"}}})
	third := map[string]live.Row{"b": {"cpu": "2"}, "c": {"cpu": "3"}}
	r.show(snapshot{"servers": third})
	r.expectChange(all, second, third, live.Update{Rows: map[string]live.Row{"b": {"name": ""}, "c": {"cpu": "3"}}, Gone: []string{"a"}})
	r.expectChange(one, map[string]live.Row{"b": first["b"]}, map[string]live.Row{"b": third["b"]}, live.Update{Rows: map[string]live.Row{"b": {"name": ""}}})
}

// TestProblem: what was shown stays while the cloud cannot say what is; then everything is sent again.
func TestProblem(t *testing.T) {
	r := newRig(t)
	ws := r.follow("servers")
	r.next(ws)
	r.fails.Store(true)
	for u := r.next(ws); u.Problem == ""; u = r.next(ws) {
		t.Errorf("got %+v", u)
	}
	r.fails.Store(false)
	u := r.next(ws)
	for ; u.Problem != ""; u = r.next(ws) {
		if strings.Contains(u.Problem, "secret") || len(u.Rows) > 0 {
			t.Fatalf("got %+v", u)
		}
	}
	if !u.All || len(u.Rows) != 2 {
		t.Errorf("after it: %+v", u)
	}
}

// TestNobodyLooks: nothing is loaded while nobody looks.
func TestNobodyLooks(t *testing.T) {
	r := newRig(t)
	ws := r.follow("servers")
	r.next(ws)
	ws.Close()
	for last := int64(-1); last != r.loads.Load(); time.Sleep(100 * time.Millisecond) {
		last = r.loads.Load()
	}
	r.next(r.follow("servers"))
}

// TestEnds: a viewer who is not allowed to look any more is cut off with the reason, and all are when
// the hub ends, which waits for them.
func TestEnds(t *testing.T) {
	r := newRig(t)
	ended := func(ws *websocket.Conn) int {
		for {
			_, _, err := ws.ReadMessage()
			if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
				return closed.Code
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	ws := r.follow("servers")
	r.allowed.Store(false)
	if got := ended(ws); got != live.CloseSignedOut {
		t.Errorf("signed out: code %d", got)
	}
	r.allowed.Store(true)
	ws = r.follow("servers")
	r.next(ws)
	go r.stop()
	if got := ended(ws); got != websocket.CloseGoingAway {
		t.Errorf("at the end: code %d", got)
	}
}

// TestOnlyFollowed: a kind that nobody follows is not loaded, nor are all rows where single ones are
// followed; what cannot be followed is refused.
func TestOnlyFollowed(t *testing.T) {
	r := newRig(t)
	r.show(snapshot{"jobs": {"a": {"state": "green"}}, "history": {"lab@24": {"n": "1"}}})
	one := r.follow("jobs/a")
	r.expect(one, live.Update{All: true, Rows: map[string]live.Row{"a": {"state": "green"}}})
	r.expect(r.follow("jobs/gone"), live.Update{All: true})
	r.expect(r.follow("history/lab@24"), live.Update{All: true, Rows: map[string]live.Row{"lab@24": {"n": "1"}}})
	if n := r.loads.Load(); n > 0 {
		t.Errorf("all rows were loaded %d times, and single ones were followed", n)
	}
	whole := r.follow("jobs")
	r.expect(whole, live.Update{All: true, Rows: map[string]live.Row{"a": {"state": "green"}}})
	whole.Close()
	r.show(snapshot{"jobs": {"a": {"state": "red"}, "b": {}}})
	r.expect(one, live.Update{Rows: map[string]live.Row{"a": {"state": "red"}}})
	for _, topic := range []string{"", "none", "none/a", "servers/", "history", "history/"} {
		res, err := http.Get(r.server.URL + "/json?of=" + topic) //nolint:noctx // of a test
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusNotFound {
			t.Errorf("following %q: %s", topic, res.Status)
		}
	}
}

// TestProblemFirst: who comes while rows are not loaded is told so, and not that there are none.
func TestProblemFirst(t *testing.T) {
	r := newRig(t)
	r.next(r.follow("servers/a"))
	r.fails.Store(true)
	if u := r.next(r.follow("servers/b")); u.All || u.Problem == "" {
		t.Errorf("got %+v", u)
	}
}

// TestManySingle: many single rows are loaded at once, as all.
func TestManySingle(t *testing.T) {
	r := newRig(t)
	s := snapshot{"jobs": {}}
	for i := range 50 {
		s["jobs"][fmt.Sprint(i)] = live.Row{"n": "1"}
	}
	r.show(s)
	var viewers []*websocket.Conn
	for key := range s["jobs"] {
		viewers = append(viewers, r.follow("jobs/"+key))
	}
	for _, ws := range viewers {
		if u := r.next(ws); len(u.Rows) != 1 {
			t.Fatalf("got %+v", u)
		}
	}
	for began, singles := r.loads.Load(), r.single.Load(); r.loads.Load() < began+3; time.Sleep(time.Millisecond) {
		if n := r.single.Load() - singles; n > 20 { // of a tick that was under way
			t.Fatalf("%d single rows were loaded", n)
		}
	}
}

// TestOrigin: another site's page cannot follow with the cookies of this one.
func TestOrigin(t *testing.T) {
	r := newRig(t)
	_, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(r.server.URL, "http")+"/live?of=servers", http.Header{"Origin": {"https://evil.invalid"}})
	if err == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %v, %v", res, err)
	}
	res.Body.Close()
}

// TestSharing: many viewers cost one load a tick, and one encoding.
func TestSharing(t *testing.T) {
	r := newRig(t)
	s := snapshot{"servers": {}}
	for i := range 200 {
		s["servers"][fmt.Sprint(i)] = live.Row{"cpu": "1", "memory": "11 GiB of 32 GiB", "name": "server"}
	}
	r.show(s)
	res, err := http.Get(r.server.URL + "/json?of=servers") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var u live.Update
	if err := json.NewDecoder(res.Body).Decode(&u); err != nil || !u.All || len(u.Rows) != 200 {
		t.Fatalf("polling: %d rows, %v", len(u.Rows), err)
	}
	var viewers []*websocket.Conn
	for range 20 {
		viewers = append(viewers, r.follow("servers"))
	}
	for _, ws := range viewers {
		if u := r.next(ws); !u.All || len(u.Rows) != 200 {
			t.Fatalf("%d rows", len(u.Rows))
		}
	}
	began := time.Now()
	loads := r.loads.Load()
	time.Sleep(200 * time.Millisecond)
	if n, most := r.loads.Load()-loads, int64(time.Since(began)/(10*time.Millisecond))+2; n > most {
		t.Errorf("%d loads in %s; want at most %d", n, time.Since(began), most)
	}
}

// TestNothingOlder: a page that was made after something came is not told by an older snapshot that it
// is not there.
func TestNothingOlder(t *testing.T) {
	type rows = map[string]live.Row
	loading, loaded := make(chan struct{}), make(chan rows)
	h := live.New(live.Config{Kinds: []live.Kind{{Name: "environments", Every: time.Millisecond, All: func(ctx context.Context) (map[string]live.Row, error) {
		select {
		case loading <- struct{}{}:
			return <-loaded, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}}})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	ask := func() chan string {
		answer := make(chan string, 1)
		go func() {
			w := httptest.NewRecorder()
			h.ServeJSON(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/json", nil), "environments")
			answer <- w.Body.String()
		}()
		return answer
	}
	ask()
	<-loading // before the Environment is there
	answer := ask()
	loaded <- rows{}
	for len(answer) == 0 {
		select {
		case <-loading:
			loaded <- rows{"lab": {"state": "yellow"}}
		case <-time.After(10 * time.Millisecond):
		}
	}
	if got := <-answer; !strings.Contains(got, "lab") {
		t.Errorf("got %s", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
