package console

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console/live"
)

// kind is what can be followed of one kind of things. The rows are for every viewer: a field that
// not all of them may see is none.
type kind struct {
	name  string
	all   func(context.Context, *client.Client) (map[string]live.Row, error)
	one   func(context.Context, *client.Client, string) (live.Row, error)
	every time.Duration
}

// watcher is who loads what live pages show.
var watcher = access.Principal{Name: "live pages", Role: access.Viewer, How: access.ByCloud}

// followable are the kinds as package live takes them.
func (c *Console) followable() []live.Kind {
	var list []live.Kind
	for _, k := range kinds {
		f := live.Kind{Name: k.name, Every: k.every}
		if k.all != nil {
			f.All = func(ctx context.Context) (map[string]live.Row, error) {
				return k.all(access.With(ctx, watcher), c.cloud)
			}
		}
		if k.one != nil {
			f.One = func(ctx context.Context, key string) (live.Row, error) {
				return k.one(access.With(ctx, watcher), c.cloud, key)
			}
		}
		list = append(list, f)
	}
	return list
}

// line is one row of a live list.
type line struct {
	Key string
	Row live.Row
}

// rowsOf are the rows of what the cloud listed.
func rowsOf[T any](list []T, err error, line func(T) line) (map[string]live.Row, error) {
	if err != nil {
		return nil, err
	}
	rows := make(map[string]live.Row, len(list))
	for _, v := range list {
		l := line(v)
		rows[l.Key] = l.Row
	}
	return rows, nil
}

// rowOf is the row of what the cloud answered, nil where there is no such thing.
func rowOf[T any](v T, err error, line func(T) line) (live.Row, error) {
	if e, ok := errors.AsType[*clientError](err); ok && e.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return line(v).Row, nil
}

// linesOf are what a list page shows, and what its template of a row is made of.
func linesOf[T any](list []T, line func(T) line) listed {
	l := listed{Blank: line(*new(T))}
	l.Blank.Key = ""
	for _, v := range list {
		l.Lines = append(l.Lines, line(v))
	}
	return l
}

// listed is the live list of a page.
type listed struct {
	Lines []line
	Blank line // with all fields
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
