package live

import (
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	writeTime = 10 * time.Second
	pingTime  = 20 * time.Second
	pongTime  = 50 * time.Second
	checkTime = 5 * time.Second
	maxViews  = 1000 // connections at once, and keys that are polled
)

// CloseSignedOut is the code of a WebSocket's end because the session has ended.
const CloseSignedOut = 4401

var upgrader = websocket.Upgrader{ReadBufferSize: 512, WriteBufferSize: 4096, WriteBufferPool: new(sync.Pool)}

// ServeWebSocket follows a topic until the browser leaves, Run ends, or allowed says no.
func (h *Hub) ServeWebSocket(w http.ResponseWriter, r *http.Request, topic string, allowed func() bool) {
	f, key := h.find(topic)
	if f == nil {
		http.Error(w, "nothing like that can be followed", http.StatusNotFound)
		return
	}
	defer h.viewers.Add(-1)
	if h.viewers.Add(1) > maxViews {
		http.Error(w, "too many live pages are open", http.StatusServiceUnavailable)
		return
	}
	select {
	case <-h.closed:
		http.Error(w, "the cloud is stopping", http.StatusServiceUnavailable)
		return
	default:
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.log.Debug("live page was not opened", "remote", r.RemoteAddr, "err", err)
		return
	}
	h.all.Add(1)
	defer h.all.Done()
	defer ws.Close()
	defer f.follow(key)()
	left := make(chan struct{})
	h.all.Go(func() {
		defer close(left)
		listen(ws)
	})
	h.send(ws, f, key, allowed, left)
}

// listen reads what a browser sends, which is nothing but pongs, until it leaves.
func listen(ws *websocket.Conn) {
	ws.SetReadLimit(512)
	extend := func(string) error { return ws.SetReadDeadline(time.Now().Add(pongTime)) }
	_ = extend("")
	ws.SetPongHandler(extend)
	for {
		if _, _, err := ws.NextReader(); err != nil {
			return
		}
	}
}

// send sends a key's rows as they are, and then what changes.
func (h *Hub) send(ws *websocket.Conn, f *feed, key string, allowed func() bool, left <-chan struct{}) {
	ping, check := time.NewTicker(pingTime), time.NewTicker(checkTime)
	defer ping.Stop()
	defer check.Stop()
	end := func(code int, why string) {
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(time.Second))
	}
	asked := time.Now()
	for seq, t := int64(0), f.current(); ; {
		if t.since(asked) && t.seq != seq {
			p, err := t.of(key, t.seq != seq+1 || seq == 0)
			if err != nil {
				end(websocket.CloseInternalServerErr, "")
				return
			}
			seq = t.seq
			if p.ws != nil {
				_ = ws.SetWriteDeadline(time.Now().Add(writeTime))
				if ws.WritePreparedMessage(p.ws) != nil {
					return
				}
			}
		}
		select {
		case <-left:
			return
		case <-h.closed:
			end(websocket.CloseGoingAway, "the cloud is stopping")
			return
		case <-ping.C:
			if ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) != nil {
				return
			}
		case <-check.C:
			if !allowed() {
				end(CloseSignedOut, "signed out")
				return
			}
		case <-t.next:
			t = f.current()
		}
	}
}

// ServeJSON answers with the topic as it is now.
func (h *Hub) ServeJSON(w http.ResponseWriter, r *http.Request, topic string) {
	f, key := h.find(topic)
	if f == nil {
		http.Error(w, "nothing like that can be followed", http.StatusNotFound)
		return
	}
	if !f.poll(key) {
		http.Error(w, "too many live pages are open", http.StatusServiceUnavailable)
		return
	}
	t, err := h.fresh(r.Context(), f)
	if err != nil {
		http.Error(w, "the cloud is stopping", http.StatusServiceUnavailable)
		return
	}
	p, err := t.of(key, true)
	if err != nil {
		http.Error(w, "the cloud could not do this now", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(p.data) // only a browser that left makes it fail
}
