package api

import (
	"net/http"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/services"
)

// TestHeadersOfCalls: neither side of a call gets what is the cloud's, or of one connection only.
func TestHeadersOfCalls(t *testing.T) {
	asked := http.Header{
		"Authorization": {"Bearer x"}, "Cookie": {"session=x"}, "Connection": {"close"}, "Transfer-Encoding": {"chunked"}, "X-Mine": {"a", "b"},
	}
	got := passedOn(asked, true)
	if len(got) != 1 || len(got["X-Mine"]) != 2 {
		t.Errorf("got %v", got)
	}
	if got := passedOn(asked, false); got.Get("Authorization") == "" {
		t.Error("a service without a token has the authorization to itself")
	}
	out := http.Header{}
	answered(out, []services.Field{
		{Name: "set-cookie", Value: "session=mine"}, {Name: "content-length", Value: "9"}, {Name: "Upgrade", Value: "h2c"},
		{Name: "Content-Security-Policy", Value: "default-src *"}, {Name: "x-own", Value: "1"},
	})
	if out.Get("X-Own") != "1" || out["Set-Cookie"] != nil || out["Content-Length"] != nil || out["Upgrade"] != nil {
		t.Errorf("got %v", out)
	}
	if policy := out["Content-Security-Policy"]; len(policy) != 2 || policy[1] != "sandbox" {
		t.Errorf("got %v", policy)
	}
}
