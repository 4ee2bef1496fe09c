package console_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// TestCreateService: what was filled in is the service; only an API service is asked how it is called,
// and the token that its callers need is shown once, with the command that calls it.
func TestCreateService(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	if body := text(t, r.get(c, "new-service")); !strings.Contains(body, `<option value="Hook"`) || strings.Contains(body, `<option value="Plain"`) {
		t.Errorf("choosing the App:\n%s", body)
	}
	for app, calls := range map[string]bool{"Lookup": true, "Hook": false} {
		if body := text(t, r.get(c, "new-service?app="+app)); strings.Contains(body, `name="rate"`) != calls || strings.Contains(body, `name="p.secret"`) {
			t.Errorf("the form of %s:\n%s", app, body)
		}
	}
	filled := url.Values{
		"app": {"Lookup"}, "version": {"1.0"}, "name": {"look"}, "environment": {"lab"}, "p.key": {"s3cret"}, "path": {"v2/look"}, "call_timeout": {"2"}, "max_body": {"1000"}, "rate": {"50"},
		"server": {twinXID}, "log_level": {"DEBUG"}, "memory_mb": {"64"}, "stopped": {"true"},
	}
	res := r.post(c, "new-service", filled)
	body := text(t, res)
	want := v1.NewService{
		Name: "look", Environment: "lab", Server: twinXID, App: "Lookup", Version: "1.0", Params: map[string]string{"key": "s3cret"}, Limits: wire.Limits{MemoryMB: 64}, LogLevel: "DEBUG",
		Stopped: true, Path: "v2/look", CallTimeoutMS: 120_000, MaxBody: 1000, Rate: 50,
	}
	if res.StatusCode != http.StatusOK || !equal(r.api.newService, want) {
		t.Errorf("%s, the API was asked for %+v", res.Status, r.api.newService)
	}
	quoted := strings.ReplaceAll(secret, "'", `'\''`)
	for _, want := range []string{`data-made="/console/services/look"`, html.EscapeString("curl -H 'Authorization: Bearer " + quoted + `' 'https://cloud.example/api/services/it'\''s'`)} {
		if !strings.Contains(strings.ReplaceAll(body, "&#43;", "+"), want) {
			t.Errorf("the page has not %q:\n%s", want, body)
		}
	}
	if strings.Contains(text(t, r.get(c, "services/look")), "once-") || strings.Contains(body, "<img src=x") || strings.Contains(body, "s3cret") {
		t.Error("the token is shown again, or the page has what it must not")
	}
	if res := r.post(c, "new-service", with(filled, "public", "true")); res.StatusCode != http.StatusSeeOther || !r.api.newService.Public {
		t.Errorf("one for everybody: %s", res.Status)
	}
	r.api.asked = nil
	for _, tt := range []struct{ field, value, say string }{
		{"name", "", "required"}, {"call_timeout", "11m", "to 10m"}, {"max_body", "33554433", "to 33554432"}, {"rate", "many", "to 10000"}, {"log_level", "LOUD", "none of its values"},
	} {
		res := r.post(c, "new-service", with(filled, tt.field, tt.value))
		body := text(t, res)
		if got := atField(body, tt.field); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got, tt.say) || !strings.Contains(body, `value="v2/look"`) && tt.field != "path" || strings.Contains(body, "s3cret") {
			t.Errorf("%s %q: %s, %q is said", tt.field, tt.value, res.Status, got)
		}
	}
	if res := r.post(c, "new-service", url.Values{"name": {"x"}}); res.StatusCode != http.StatusUnprocessableEntity || len(r.api.asked) > 0 {
		t.Errorf("without an App: %s, the API was asked for %v", res.Status, r.api.asked)
	}
	r.api.refuses = &v1.Error{Status: http.StatusConflict, Code: v1.CodeExists, Message: "there is a service of that name already"}
	if body := text(t, r.post(c, "new-service", filled)); !strings.Contains(atField(body, "name"), "of that name") {
		t.Errorf("a name that is taken:\n%s", body)
	}
}

// TestEditService: what is left as it is does not change.
func TestEditService(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	body := text(t, r.get(c, "services/lookup/edit"))
	_, rest, _ := strings.Cut(body, `name="seen" value="`)
	seen, _, _ := strings.Cut(rest, `"`)
	same := url.Values{"seen": {seen}, "app": {"Lookup"}, "version": {"1.0"}, "environment": {"lab"}, "path": {"v1/lookup"}, "call_timeout": {"1m30s"}, "max_body": {"5242880"}, "rate": {"500"}}
	for name, value := range same {
		if !strings.Contains(body, `name="`+name+`"`) || !strings.Contains(body, `value="`+value[0]+`"`) {
			t.Errorf("the form has not %s %q", name, value)
		}
	}
	if res := r.post(c, "services/lookup/edit", same); res.StatusCode != http.StatusSeeOther || !equal(r.api.changed, v1.ChangeService{}) {
		t.Errorf("nothing was changed: %s, the API was asked for %+v", res.Status, r.api.changed)
	}
	res := r.post(c, "services/lookup/edit", with(same, "rate", "5", "path", "", "version", "", "drop.p.key", "on"))
	if got := r.api.changed; res.StatusCode != http.StatusSeeOther || *got.Rate != 5 || *got.Path != "lookup" || *got.Version != "" || got.App != nil || got.MaxBody != nil || !slices.Equal(got.Unset, []string{"key"}) {
		t.Errorf("%s, the API was asked for %+v", res.Status, got)
	}
	r.api.services[2].Rate, r.api.asked = 7, nil
	if res := r.post(c, "services/lookup/edit", same); res.StatusCode != http.StatusUnprocessableEntity || len(r.api.asked) > 0 {
		t.Errorf("somebody else changed it: %s, the API was asked for %v", res.Status, r.api.asked)
	}
}

// TestAddTrigger: the App of the service is asked what it watches for, another one what it starts with;
// the URL of a webhook is shown once, with the command that calls it.
func TestAddTrigger(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	body := text(t, r.get(c, "services/hook/trigger?app=Plain&version=1.0"))
	for _, want := range []string{`type="password" name="t.secret"`, `name="s.loud"`, `<option value="true">`, "#Trigger:4:body!String", `name="app" value="Plain"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the form has not %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, `name="p.level"`) || strings.Contains(body, `name="t.level"`) || strings.Contains(body, "<img src=x") {
		t.Error("the form asks for what is of the service, or has hostile markup")
	}
	filled := url.Values{"app": {"Plain"}, "version": {"1.0"}, "name": {"ticket"}, "t.secret": {"s3cret"}, "t." + hostile: {hostile}, "s.loud": {"#Trigger:4:body!String"}, "outputs": {"#Trigger:4:body!String\r\n\r\n"}}
	res := r.post(c, "services/hook/trigger", filled)
	body = text(t, res)
	got := r.api.trigger
	if res.StatusCode != http.StatusOK || got.Name != "ticket" || !maps.Equal(got.Params, map[string]string{"secret": "s3cret", hostile: hostile}) || !slices.Equal(got.Outputs, []string{"#Trigger:4:body!String"}) ||
		got.Start == nil || got.Start.App != "Plain" || got.Start.Version != "1.0" || !maps.Equal(got.Start.Params, map[string]string{"loud": "#Trigger:4:body!String"}) {
		t.Errorf("%s, the API was asked for %+v", res.Status, got)
	}
	if strings.Count(body, "link/once-") != 2 || !strings.Contains(body, html.EscapeString("curl --data 'hello' '")) || strings.Contains(body, "s3cret") || strings.Contains(body, "<img src=x") {
		t.Errorf("the URL:\n%s", body)
	}
	if strings.Contains(text(t, r.get(c, "services/hook")), "once-") {
		t.Error("the URL is shown again")
	}
	res = r.post(c, "services/hook/trigger", url.Values{"name": {"alone"}, "t.secret": {"x"}})
	if res.StatusCode != http.StatusOK || r.api.trigger.Start != nil {
		t.Errorf("one that starts nothing: %s, the API was asked for %+v", res.Status, r.api.trigger)
	}
	res = r.post(c, "services/hook/trigger", with(filled, "t.secret", ""))
	if body := text(t, res); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(atField(body, "t.secret"), "required") || !strings.Contains(body, `value="ticket"`) || !strings.Contains(body, ">#Trigger:4:body!String") {
		t.Errorf("without what the App needs: %s\n%s", res.Status, body)
	}
}
