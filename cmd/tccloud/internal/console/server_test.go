package console_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
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

// TestAway: the page lists who has been away for long and is not revoked; only those that are marked are
// revoked, with the time that the page showed.
func TestAway(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	const long, short, revoked = "7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a12", "7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a17", "7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a16"
	for query, want := range map[string][3]bool{"": {true, false, false}, "?days=7": {true, true, false}, "?days=90": {}, "?days=0": {true, false, false}} {
		body := text(t, r.get(c, "servers/away"+query))
		if got := [3]bool{strings.Contains(body, long), strings.Contains(body, short), strings.Contains(body, revoked)}; got != want {
			t.Errorf("%q lists %v; want %v", query, got, want)
		}
	}
	if res := r.post(c, "servers/revoke", url.Values{"days": {"7"}}); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text(t, res), short) {
		t.Errorf("none is marked: %s", res.Status)
	}
	if res := r.post(c, "servers/revoke", url.Values{"days": {"7"}, "server": {long, short}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("revoking: %s", res.Status)
	}
	if d := cmp.Diff([]v1.RevokeAway{{Servers: []wire.ServerXID{long, short}, Seconds: 7 * 24 * 3600}}, r.api.away); d != "" {
		t.Errorf("the API was asked for (-want +got):\n%s", d)
	}
	if body := text(t, r.get(c, "servers")); !strings.Contains(body, "1 server revoked. Kept: 1 server, as") || !strings.Contains(body, "Away for 40 days") {
		t.Errorf("afterwards:\n%s", body)
	}
}
