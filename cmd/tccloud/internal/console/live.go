package console

import (
	"context"
	"net/http"
	"regexp"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/console/live"
)

// kind is what can be followed of one kind of things. The rows are for every viewer: a field that
// not all of them may see is none.
type kind struct {
	name string
	rows func(context.Context, *Console) (map[string]live.Row, error)
}

// watcher is who loads what live pages show.
var watcher = access.Principal{Name: "live pages", Role: access.Viewer, How: access.ByCloud}

// snapshot loads everything that can be followed.
func (c *Console) snapshot(ctx context.Context) (live.Snapshot, error) {
	ctx = access.With(ctx, watcher)
	s := live.Snapshot{}
	for _, k := range kinds {
		rows, err := k.rows(ctx, c)
		if err != nil {
			return nil, err
		}
		s[k.name] = rows
	}
	return s, nil
}

// topics are a kind, or one row of it.
var topics = regexp.MustCompile(`^[a-z]+(/[^/]{1,200})?$`)

// topic returns what a request follows, and whether its session may still do so. Looking on does not
// make a session last longer: only what a user does, does.
func (c *Console) topic(r *http.Request) (topic string, allowed func() bool) {
	topic = r.URL.Query().Get("of")
	if !topics.MatchString(topic) {
		return "", func() bool { return false }
	}
	return topic, c.session(r)
}

// session returns a function that reports whether the session that a request came with lasts.
func (c *Console) session(r *http.Request) func() bool {
	cookie, err := r.Cookie(c.sessions.Cookie.Name)
	if err != nil {
		return func() bool { return false }
	}
	return func() bool {
		ctx, err := c.sessions.Load(context.WithoutCancel(r.Context()), cookie.Value)
		if err != nil {
			return false
		}
		_, ok := c.principal(ctx)
		return ok
	}
}

// liveSocket follows a topic over a WebSocket. The library compares the request's origin with its
// host.
func (c *Console) liveSocket(w http.ResponseWriter, r *http.Request) {
	topic, allowed := c.topic(r)
	if !allowed() {
		http.Error(w, "you are not signed in", http.StatusUnauthorized)
		return
	}
	c.hub.ServeWebSocket(w, r, topic, allowed)
}

// liveJSON answers with a topic as it is, for browsers whose WebSockets do not get through.
func (c *Console) liveJSON(w http.ResponseWriter, r *http.Request) {
	topic, allowed := c.topic(r)
	w.Header().Set("Cache-Control", "no-store")
	if !allowed() {
		http.Error(w, "you are not signed in", http.StatusUnauthorized)
		return
	}
	c.hub.ServeJSON(w, r, topic)
}
