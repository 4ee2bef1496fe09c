package api

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/services"
)

// Where callers reach services: API services below ServicesPath, triggers of webhook services at
// WebhookPath and their token.
const (
	ServicesPath = "/api/services/"
	WebhookPath  = "/webhook/"
)

// answerTimes is added to a call's timeout, for its body and its answer to be sent.
const answerTimes = bodyTimeout

// callService passes a request to an API service.
func (a *API) callService(w http.ResponseWriter, r *http.Request) {
	s, rest := a.Services.ByPath(strings.TrimPrefix(r.URL.Path, ServicesPath))
	if s == nil {
		refuse(w, &services.Failure{Status: http.StatusNotFound, Message: "there is no such service"})
		return
	}
	if !a.mayCall(s, r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, &services.Failure{Status: http.StatusUnauthorized, Message: "the service's token is missing or wrong"})
		return
	}
	a.pass(w, r, s, func(c services.Call) (*services.Answer, error) {
		c.Path = rest
		return a.Services.Call(r.Context(), s, c)
	})
}

// callWebhook passes a request to a trigger of a webhook service.
func (a *API) callWebhook(w http.ResponseWriter, r *http.Request) {
	s, t := a.Services.ByWebhook(r.PathValue("token"))
	if s == nil {
		refuse(w, &services.Failure{Status: http.StatusNotFound, Message: "there is no such webhook"})
		return
	}
	a.pass(w, r, s, func(c services.Call) (*services.Answer, error) { return a.Services.Webhook(r.Context(), s, t, c) })
}

// mayCall reports whether a request has the service's token.
func (a *API) mayCall(s *services.Service, r *http.Request) bool {
	if s.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "TC-Token") {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(services.Digest(strings.TrimSpace(token))), []byte(s.Token)) == 1
}

// pass reads a request, has it answered, and writes the answer.
func (a *API) pass(w http.ResponseWriter, r *http.Request, s *services.Service, call func(services.Call) (*services.Answer, error)) {
	done, err := a.Services.Admit(s)
	if err != nil {
		refuse(w, err)
		return
	}
	defer done()
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(bodyTimeout))
	limit := s.BodyLimit()
	tooLarge := &services.Failure{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body is larger than %d bytes", limit)}
	if r.ContentLength > limit {
		refuse(w, tooLarge)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		refuse(w, tooLarge)
		return
	}
	if err != nil {
		refuse(w, &services.Failure{Status: http.StatusBadRequest, Message: "the body broke off"})
		return
	}
	_ = c.SetWriteDeadline(time.Now().Add(s.CallTimeout() + answerTimes))
	answer, err := call(services.Call{
		Method: r.Method, Query: r.URL.Query(), Header: passedOn(r.Header, s.Token != ""), Body: body, Remote: hostOf(r.RemoteAddr), URL: a.APIURL + r.URL.RequestURI(),
	})
	if err != nil {
		if f, ok := errors.AsType[*services.Failure](err); !ok && r.Context().Err() == nil {
			a.Logger.Error("call of a service not served", "service", s.Name, "err", err)
			err = &services.Failure{Status: http.StatusInternalServerError, Message: "the cloud could not do this now"}
		} else if ok {
			a.Logger.Debug("call of a service failed", "service", s.Name, "status", f.Status, "err", f.Message)
		}
		refuse(w, err)
		return
	}
	answered(w.Header(), answer.Header)
	if len(answer.Body) > 0 || answer.Status >= 200 && answer.Status != http.StatusNoContent && answer.Status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(answer.Body)))
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // the caller hung up: nobody is left to tell
}

// ofConnection are headers that belong to one connection, RFC 9110 section 7.6.1.
var ofConnection = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// answered are the headers that the caller gets. The host is the cloud's: an App sets no cookies for it,
// and what it answers runs in a browser as if it came from nowhere.
func answered(out http.Header, of []services.Field) {
	for _, h := range of {
		if name := http.CanonicalHeaderKey(h.Name); !slices.Contains(ofConnection, name) && name != "Content-Length" && name != "Set-Cookie" {
			out.Add(name, h.Value)
		}
	}
	out.Add("Content-Security-Policy", "sandbox") // beside the App's own: both hold
	out.Set("X-Content-Type-Options", "nosniff")
}

// passedOn are the headers that the App gets: not those of the connection, nor what spoke to the cloud,
// nor cookies, which are the cloud's.
func passedOn(h http.Header, authorized bool) http.Header {
	out := h.Clone()
	for _, name := range slices.Concat(ofConnection, []string{"Cookie"}) {
		out.Del(name)
	}
	if authorized {
		out.Del("Authorization")
	}
	return out
}

// hostOf is an address without its port.
func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// refuse answers a call that has no answer of the App, in words.
func refuse(w http.ResponseWriter, err error) {
	f, ok := errors.AsType[*services.Failure](err)
	if !ok {
		return // the caller hung up
	}
	if f.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.After.Seconds()+0.5)))
	}
	answer(w, f.Status, map[string]string{"status": "Failure", "message": f.Message})
}
