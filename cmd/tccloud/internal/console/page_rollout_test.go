package console_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/releases"
)

// TestRollout: what was filled in is the rollout; nothing is rolled out that was not confirmed, over
// another rollout, or over what somebody else did meanwhile.
func TestRollout(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	form := url.Values{"channel": {"beta"}, "version": {"1.5.0"}, "percent": {"12.5"}, "canary": {twinXID}, "wait": {"2h"}, "max_failures": {"3"}, "sure": {"true"}}
	res := r.post(c, "release-rollout", form)
	got := r.api.rollout
	if in := time.Until(got.NotBefore); res.StatusCode != http.StatusSeeOther || in < 119*time.Minute || in > 2*time.Hour {
		t.Errorf("%s, it begins in %s", res.Status, in)
	}
	got.NotBefore = time.Time{}
	if !equal(got, v1.NewRollout{Version: "1.5.0", Canaries: []wire.ServerXID{twinXID}, Percent: 12.5, MaxFailures: 3}) || r.api.asked[0] != "PUT releases/rollouts/beta" {
		t.Errorf("the API was asked for %v, %+v", r.api.asked, got)
	}
	if body := text(t, r.get(c, "releases")); !strings.Contains(body, "1.5.0 is offered to 12.5 % of the servers of beta, and to 1 canary server, from ") {
		t.Error("the next page does not say so")
	}
	r.api.asked = nil
	for _, tt := range []struct{ field, value, say string }{
		{"sure", "", "Check it"}, {"channel", "", "required"}, {"channel", "..", "no name"}, {"channel", "stable", "change that one"}, {"version", "9.9.9", "none of its values"},
		{"percent", "101", "0 to 100"}, {"percent", "NaN", "0 to 100"}, {"percent", "", "required"}, {"wait", "-1h", "a time from"}, {"max_failures", "-1", "from 0"},
	} {
		bad := with(form, tt.field, tt.value)
		if tt.field == "sure" {
			bad.Del("sure")
		}
		res := r.post(c, "release-rollout", bad)
		body := text(t, res)
		if said := atField(body, tt.field); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(said, tt.say) || len(r.api.asked) > 0 || !strings.Contains(body, `value="`+twinXID+`" checked`) {
			t.Errorf("%s %q: %s, %q is said", tt.field, tt.value, res.Status, said)
		}
	}

	body := text(t, r.get(c, "release-rollout?of="+url.QueryEscape(hostile)))
	_, rest, _ := strings.Cut(body, `name="seen" value="`)
	seen, _, _ := strings.Cut(rest, `"`)
	if !strings.Contains(body, "It was halted") || !strings.Contains(body, `value="1.5.0" selected`) || !strings.Contains(body, ">Resume</button>") || strings.Contains(body, `name="channel"`) || strings.Contains(body, "<img src=x") {
		t.Errorf("one that was halted:\n%s", body)
	}
	resumed := with(form, "of", hostile, "seen", seen, "percent", "5")
	if res := r.post(c, "release-rollout", resumed); res.StatusCode != http.StatusSeeOther || r.api.rollout.Percent != 5 || r.api.asked[0] != "PUT releases/rollouts/"+hostile {
		t.Errorf("resuming: %s, the API was asked for %v", res.Status, r.api.asked)
	}
	r.api.updates.Plan.Channels[hostile], r.api.asked = releases.Rollout{Version: "1.4.2", Halted: "again"}, nil
	if res := r.post(c, "release-rollout", resumed); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text(t, res), "Somebody changed it") || len(r.api.asked) > 0 {
		t.Errorf("somebody halted it meanwhile: %s, the API was asked for %v", res.Status, r.api.asked)
	}
}

// TestChoice: a server or an Environment is pinned, and what was set is taken back.
func TestChoice(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	if body := text(t, r.get(c, "release-choice?for=environment%3Aproduction")); !strings.Contains(body, `value="environment:production" selected`) || !strings.Contains(body, `name="pin" value="1.4.2"`) {
		t.Errorf("the form has not what is set:\n%s", body)
	}
	for _, tt := range []struct {
		form url.Values
		want v1.Choose
	}{
		{url.Values{"for": {"server:" + twinXID}, "pin": {"1.4.2"}, "sure": {"true"}}, v1.Choose{Server: twinXID, Choice: releases.Choice{Pin: "1.4.2"}}},
		{url.Values{"for": {"environment:lab"}, "channel": {"fast"}, "sure": {"true"}}, v1.Choose{Environment: "lab", Choice: releases.Choice{Channel: "fast"}}},
		{url.Values{"for": {"environment:lab"}, "sure": {"true"}}, v1.Choose{Environment: "lab"}},
	} {
		if res := r.post(c, "release-choice", tt.form); res.StatusCode != http.StatusSeeOther || r.api.chosen != tt.want {
			t.Errorf("%v: %s, the API was asked for %+v", tt.form, res.Status, r.api.chosen)
		}
	}
	r.api.asked = nil
	for _, of := range []string{"", "server:", "planet:earth", hostile} {
		res := r.post(c, "release-choice", url.Values{"for": {of}, "sure": {"true"}})
		if res.StatusCode != http.StatusUnprocessableEntity || len(r.api.asked) > 0 || strings.Contains(text(t, res), "<img src=x") {
			t.Errorf("for %q: %s", of, res.Status)
		}
	}
}

// TestAddRelease: a package goes to the API under its name, a bundle of updates as one, and neither from
// who may not.
func TestAddRelease(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	for name, want := range map[string]string{
		"threatconnect-envsvr-1.4.2-1.x86_64.rpm": "PUT releases/packages/threatconnect-envsvr-1.4.2-1.x86_64.rpm", "update-1.4.2.zip": "POST releases",
		"../../threatconnect-envsvr-1.4.2-1.x86_64.rpm": "PUT releases/packages/threatconnect-envsvr-1.4.2-1.x86_64.rpm", hostile: "POST releases",
	} {
		r.api.asked = nil
		if res := r.upload(c, "releases", "file", name, bytes.NewReader(make([]byte, 2<<20))); res.StatusCode != http.StatusSeeOther || r.api.added != 2<<20 || len(r.api.asked) != 1 || r.api.asked[0] != want {
			t.Errorf("%s: %s, the API was asked for %v with %d bytes", name, res.Status, r.api.asked, r.api.added)
		}
	}
	r.api.asked = nil
	if res := r.upload(c, "releases", "file", "", strings.NewReader("")); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text(t, res), `aria-labelledby="add-title" data-open`) {
		t.Errorf("no file: %s", res.Status)
	}
	if res := r.upload(r.signedIn(access.Operator), "releases", "file", "update.zip", strings.NewReader("x")); res.StatusCode != http.StatusForbidden || len(r.api.asked) > 0 {
		t.Errorf("an operator: %s, the API was asked for %v", res.Status, r.api.asked)
	}
}
