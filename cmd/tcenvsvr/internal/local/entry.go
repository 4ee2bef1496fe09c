package local

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/api/leftover"
	"tcenvsvr/agent/link/wire"
)

const (
	answerTimeout = 30 * time.Second // for the App
	eventTimeout  = 5 * time.Second  // for what a webhook says after it has acknowledged
	maxBody       = 32 << 20
)

// listen opens the HTTP entry of an API or a webhook on loopback until ctx ends.
func (s *service) listen(ctx context.Context, done *sync.WaitGroup) error {
	if !s.isAPI() {
		if err := s.control(ctx, done); err != nil || s.runtime == wire.RuntimeTriggerService {
			return err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("opening the entry of the service: %w", err)
	}
	s.entry = "http://" + l.Addr().String()
	mux := http.NewServeMux()
	if s.isAPI() {
		mux.HandleFunc("/api/services/{name}/{path...}", s.serveAPI)
	} else {
		mux.HandleFunc("/webhook/{id}", s.serveWebhook)
	}
	server := &http.Server{Handler: s.ours(l.Addr().String(), leftover.Drain(mux)), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	done.Go(func() {
		defer stop()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.say("the entry of the service is closed: %v", err)
		}
	})
	return nil
}

// ours refuses what a page in a browser sends by a name of its own for this address.
func (s *service) ours(address string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(address)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != address && r.Host != "localhost:"+port {
			http.Error(w, "this entry is "+s.entry, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serveAPI has the App serve a request.
func (s *service) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	key := rand.Text()
	answers, leave := s.wait(key)
	defer leave()
	context := api.ServiceContext(serviceID, key)
	_ = s.store.Put(r.Context(), context, "request.body", body)
	if !s.send(map[string]any{
		"command": "RunService", "requestKey": key, "method": r.Method, "path": "/" + r.PathValue("path"), "headers": headers(r), "queryParams": query(r),
		"userConfig": []any{}, "bodyVariable": "request.body", "requestUrl": s.entry + r.URL.Path, "remoteAddress": "127.0.0.1",
	}) {
		http.Error(w, "the service is not ready", http.StatusBadGateway)
		return
	}
	m, ok := s.next(r.Context(), answers, answerTimeout)
	if !ok {
		http.Error(w, fmt.Sprintf("the service has not answered within %s", answerTimeout), http.StatusGatewayTimeout)
		return
	}
	value, _ := s.store.Get(r.Context(), context, m.BodyVariable)
	respond(w, m, value)
}

// serveWebhook has the App handle an event.
func (s *service) serveWebhook(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || !s.has(id) {
		http.NotFound(w, r)
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	key := rand.Text()
	answers, leave := s.wait(key)
	defer leave()
	context := api.ServiceContext(serviceID, key)
	_ = s.store.Put(r.Context(), context, "request.body", []byte(base64.StdEncoding.EncodeToString(body)))
	if !s.send(map[string]any{
		"command": "WebhookEvent", "requestKey": key, "triggerId": id, "method": r.Method, "headers": headers(r), "queryParams": query(r),
	}) {
		http.Error(w, "the service is not ready", http.StatusBadGateway)
		return
	}
	for patience := answerTimeout; ; patience = eventTimeout {
		m, ok := s.next(r.Context(), answers, patience)
		switch {
		case !ok && patience == answerTimeout:
			http.Error(w, fmt.Sprintf("the service has not answered within %s", answerTimeout), http.StatusGatewayTimeout)
			return
		case !ok, m.Command == "FireEvent": // it was taken, and nothing more is said of it
			return
		case m.Command != "WebhookEventResponse":
			continue
		}
		value, _ := s.store.Get(r.Context(), context, m.BodyVariable)
		if decoded, err := base64.StdEncoding.DecodeString(string(value)); err == nil {
			value = decoded
		}
		respond(w, m, value)
		return
	}
}

// wait makes the channel of what the App says with a request key.
func (s *service) wait(key string) (answers chan message, leave func()) {
	answers = make(chan message, 4)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[key] = answers
	return answers, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, key)
	}
}

func (s *service) next(ctx context.Context, answers chan message, patience time.Duration) (message, bool) {
	select {
	case m := <-answers:
		return m, true
	case <-ctx.Done():
	case <-time.After(patience):
	}
	return message{}, false
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, fmt.Sprintf("the body is larger than %d MiB, or broke off", maxBody>>20), http.StatusRequestEntityTooLarge)
		return nil, false
	}
	return body, true
}

func headers(r *http.Request) []pair {
	all := []pair{}
	for name, values := range r.Header {
		for _, v := range values {
			all = append(all, pair{name, v})
		}
	}
	return all
}

func query(r *http.Request) []pair {
	all := []pair{}
	for name, values := range r.URL.Query() {
		for _, v := range values {
			all = append(all, pair{name, v})
		}
	}
	return all
}

// hopByHop are headers that the entry itself decides.
var hopByHop = []string{"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"}

// respond writes the App's answer.
func respond(w http.ResponseWriter, m message, body []byte) {
	status, err := strconv.Atoi(fmt.Sprint(m.StatusCode))
	if err != nil || status < 200 || status > 599 {
		http.Error(w, fmt.Sprintf("the service answered with status %.40q", fmt.Sprint(m.StatusCode)), http.StatusBadGateway)
		return
	}
	for _, h := range m.Headers {
		if !slices.Contains(hopByHop, strings.ToLower(h.Name)) {
			w.Header().Add(h.Name, h.Value)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client hung up: nobody is left to tell
}
