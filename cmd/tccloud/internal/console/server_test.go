package console_test

import (
	"html"
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// TestServerFacts: the page of a server says how it is connected and why, how far Apps are kept apart and
// why not more, which start warm, and what to look at on the host.
func TestServerFacts(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Viewer)
	for xid, wants := range map[string][]string{
		"14": {"raw TLS, through the proxy https://proxy.example.com:3128<", "files only (appsIsolation is auto): <img", "1 cold, 1 ready<", "<td>12</td>", "<dt>settings</dt>"},
		"13": {"WebSocket, as its setting queueTransport says, without a proxy<"},
	} {
		body := text(t, r.get(c, "servers/7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a"+xid))
		for _, want := range wants {
			if !strings.Contains(html.UnescapeString(body), want) {
				t.Errorf("server %s: there is no %q in\n%s", xid, want, body)
			}
		}
	}
}
