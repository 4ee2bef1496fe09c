package services

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/services/exchange"
)

// Call is a request of somebody outside.
type Call struct {
	Method string
	Path   string // below the service's, with a leading slash
	Query  url.Values
	Header http.Header // without what speaks to the cloud
	Body   []byte
	Remote string // address of the caller
	URL    string // as the caller wrote it
}

// Answer is what the App answered.
type Answer struct {
	Status int
	Header []Field
	Body   []byte
}

// Field is one header.
type Field struct{ Name, Value string }

// Failure is why a call has no answer of the App.
type Failure struct {
	Status  int // of HTTP
	Message string
	After   time.Duration // try again then; 0 = unknown
}

// Error implements error.
func (f *Failure) Error() string { return f.Message }

// mostCalls bounds the calls of one service that are under way at a gateway.
const mostCalls = 512

// ByPath returns the API service that a path below /api/services/ belongs to, and the rest of the path;
// nil if there is none. Of several the longest path wins.
func (s *Services) ByPath(path string) (*Service, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *Service
	for _, e := range s.entries {
		if v := e.service; v != nil && v.Path != "" && (path == v.Path || strings.HasPrefix(path, v.Path+"/")) && (best == nil || len(v.Path) > len(best.Path)) {
			best = v
		}
	}
	if best == nil {
		return nil, ""
	}
	return best, "/" + strings.TrimPrefix(strings.TrimPrefix(path, best.Path), "/")
}

// ByWebhook returns the service and the trigger that a token opens; nil if there is none.
func (s *Services) ByWebhook(token string) (*Service, *Trigger) {
	sum := Digest(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.service == nil {
			continue
		}
		for i := range e.service.Triggers {
			if t := &e.service.Triggers[i]; t.Webhook != "" && subtle.ConstantTimeCompare([]byte(t.Webhook), []byte(sum)) == 1 {
				return e.service, t
			}
		}
	}
	return nil, nil
}

// Digest is the form in which tokens are kept. They are random and long, so it needs no salt.
func Digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Admit takes a call in before its body is read, or says why not. The caller calls done when the call
// is over.
func (s *Services) Admit(v *Service) (done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[v.Name]
	if e == nil {
		return nil, &Failure{Status: http.StatusNotFound, Message: "there is no such service"}
	}
	if e.limiter == nil {
		e.limiter = rate.NewLimiter(rate.Limit(v.CallRate()), v.CallRate())
	}
	switch {
	case !e.limiter.Allow():
		return nil, &Failure{Status: http.StatusTooManyRequests, Message: fmt.Sprintf("more than %d calls in a second", v.CallRate()), After: time.Second}
	case e.calls >= mostCalls:
		return nil, &Failure{Status: http.StatusServiceUnavailable, Message: fmt.Sprintf("%d calls are under way", mostCalls), After: time.Second}
	}
	e.calls++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		e.calls--
	}, nil
}

// Call passes a request to an API service.
func (s *Services) Call(ctx context.Context, v *Service, c Call) (*Answer, error) {
	return s.pass(ctx, v, "RunService", c.Body, false, map[string]any{
		"method": c.Method, "path": c.Path, "queryParams": fields(c.Query), "headers": fields(c.Header),
		"remoteAddress": c.Remote, "requestUrl": c.URL, "userConfig": []any{}, "bodyVariable": exchange.Request,
	})
}

// Webhook passes a request to the trigger of a webhook service.
func (s *Services) Webhook(ctx context.Context, v *Service, t *Trigger, c Call) (*Answer, error) {
	body := []byte(base64.StdEncoding.EncodeToString(c.Body))
	return s.pass(ctx, v, "WebhookEvent", body, true, map[string]any{
		"triggerId": t.ID, "method": c.Method, "queryParams": fields(c.Query), "headers": fields(c.Header), "bodyVariable": exchange.Request,
	})
}

func fields(m map[string][]string) []map[string]string {
	list := []map[string]string{}
	for name, values := range m {
		for _, v := range values {
			list = append(list, map[string]string{"name": name, "value": v})
		}
	}
	return list
}

// pass gives a request to the App that serves and waits for its answer.
func (s *Services) pass(ctx context.Context, v *Service, command string, body []byte, webhook bool, message map[string]any) (*Answer, error) {
	now := s.byID(v.ID)
	if now == nil {
		return nil, &Failure{Status: http.StatusNotFound, Message: "there is no such service"}
	}
	inst := now.State.Current
	if phase := now.Phase(); inst == nil || inst.Ready.IsZero() {
		return nil, &Failure{Status: http.StatusServiceUnavailable, Message: fmt.Sprintf("service %q is not ready (%s)", v.Name, phase), After: 5 * time.Second}
	}
	key, err := s.Exchange.Open(v.ID, exchange.Request, body)
	if err != nil {
		return nil, &Failure{Status: http.StatusServiceUnavailable, Message: err.Error(), After: time.Second}
	}
	defer s.Exchange.Close(v.ID, key)
	ref := wire.Ref{Order: inst.Order, Attempt: inst.Attempt}
	token, expires := s.Orders.Token(ref)
	message["command"], message["appId"], message["requestKey"] = command, v.ID, key
	message["apiToken"], message["expireSeconds"] = token, expires.Unix()
	data, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	if len(data) > wire.MaxServiceMessage {
		return nil, &Failure{Status: http.StatusRequestHeaderFieldsTooLarge, Message: fmt.Sprintf("path and headers need %d bytes, at most %d are possible", len(data), wire.MaxServiceMessage)}
	}
	ctx, cancel := context.WithTimeout(ctx, v.CallTimeout())
	defer cancel()
	said, err := s.request(ctx, ref, inst.Server, request{Key: key, Webhook: webhook, Message: data})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &Failure{Status: http.StatusGatewayTimeout, Message: fmt.Sprintf("service %q did not answer within %s", v.Name, v.CallTimeout())}
	}
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, v, key, said)
}

// answer makes one of what the App said.
func (s *Services) answer(ctx context.Context, v *Service, key string, said *saying) (*Answer, error) {
	if said.Command == "Acknowledged" && said.Status != "" && !strings.EqualFold(said.Status, "OK") && !strings.EqualFold(said.Status, "Success") && said.StatusCode == "" {
		return nil, &Failure{Status: http.StatusBadGateway, Message: fmt.Sprintf("service %q failed: %s", v.Name, plain.Head(plain.Line(said.Message), maxWords))}
	}
	a := &Answer{Status: http.StatusOK}
	if said.StatusCode != "" {
		code, err := strconv.Atoi(string(said.StatusCode))
		if err != nil || code < 200 || code > 599 {
			return nil, &Failure{Status: http.StatusBadGateway, Message: fmt.Sprintf("service %q answered with status %.20q", v.Name, string(said.StatusCode))}
		}
		a.Status = code
	}
	for _, h := range said.Headers {
		a.Header = append(a.Header, Field{h.Name, string(h.Value)})
	}
	name := said.BodyVar
	if name == "" || name == exchange.Request {
		name = exchange.Response
	}
	body, err := s.Exchange.Get(ctx, api.ServiceContext(v.ID, key), name)
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		return nil, err
	}
	if said.Command == "WebhookEventResponse" { // such bodies are base64, as those of the events are
		if plain, err := base64.StdEncoding.DecodeString(string(body)); err == nil {
			body = plain
		}
	}
	if said.Command != "FireEvent" {
		a.Body = body
	}
	return a, nil
}
