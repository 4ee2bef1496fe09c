package console_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// uploadApp sends the form of an App; name "" is no chosen file.
func (r *rig) uploadApp(c *http.Client, name string, content io.Reader) *http.Response {
	r.Helper()
	return r.upload(c, "apps", "package", name, content)
}

// upload sends a form with a file.
func (r *rig) upload(c *http.Client, path, field, name string, content io.Reader) *http.Response {
	r.Helper()
	body := new(bytes.Buffer)
	form := multipart.NewWriter(body)
	part, err := form.CreateFormFile("signature", "s.sig")
	if err == nil {
		_, err = part.Write([]byte("signed"))
	}
	if err == nil {
		err = form.WriteField("replace", "true")
	}
	if err == nil {
		part, err = form.CreateFormFile(field, name)
	}
	if err == nil {
		_, err = io.Copy(part, content)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		r.Fatal(err)
	}
	q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url(path), body)
	if err != nil {
		r.Fatal(err)
	}
	q.Header.Set("Content-Type", form.FormDataContentType())
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := c.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { res.Body.Close() })
	return res
}

// TestUpload: a package goes to the API as it comes, with its signature; no role but those that may
// sends one.
func TestUpload(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	res := r.uploadApp(c, "new.tcx", bytes.NewReader(make([]byte, 3<<20)))
	if res.StatusCode != http.StatusSeeOther || r.api.added != 3<<20 || !r.api.replaced || r.api.signature != base64.StdEncoding.EncodeToString([]byte("signed")) {
		t.Errorf("%s, the API got %d bytes, signature %q, replace %t", res.Status, r.api.added, r.api.signature, r.api.replaced)
	}
	if body := text(t, r.get(c, "apps")); !strings.Contains(body, "New 1.0 was added.") {
		t.Error("the next page does not say so")
	}
	r.api.asked = nil
	if res := r.uploadApp(c, "", strings.NewReader("")); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("no file: %s", res.Status)
	}
	if res := r.post(c, "apps", nil); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("no form of files: %s", res.Status)
	}
	if res := r.uploadApp(r.signedIn(access.Viewer), "new.tcx", strings.NewReader("x")); res.StatusCode != http.StatusForbidden || len(r.api.asked) > 0 {
		t.Errorf("a viewer: %s, the API was asked for %v", res.Status, r.api.asked)
	}
}

// TestRunForm: the form is made of what the App declares, in its order, and shows no secret.
func TestRunForm(t *testing.T) {
	r := filled(t)
	body := text(t, r.get(r.signedIn(access.Operator), "apps/"+url.PathEscape(formApp)+"/run?again="+failedID))
	for _, want := range []string{
		`type="password" name="p.token"`, "Ask your account manager.", `<option value="info" selected>info</option>`, `value="Host" checked`, `value="File">`,
		"offers ${OWNERS} here", `<option value="eu">`, `name="p.dry" value="true" checked`, `<textarea`, `value="10m"`, "the execution before",
		`<option value="production">`, `<option value="lab" selected>`, `placeholder="The App&#39;s default"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the form has not %q", want)
		}
	}
	for _, bad := range []string{"do-not-show-me", "p.internal", "archive</option>", "<img src=x"} {
		if strings.Contains(body, bad) {
			t.Errorf("the form has %q", bad)
		}
	}
	if last := strings.LastIndex(body, `name="p.`); !strings.HasPrefix(body[last:], `name="p.last"`) {
		t.Error("the fields are not in the App's sequence")
	}
	if res := r.get(r.signedIn(access.Viewer), "apps/"+url.PathEscape(formApp)+"/run"); res.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer: %s", res.Status)
	}
}

// TestRun: what was filled in is the order, under the form's id; what is wrong is said at its field,
// with what was filled in but for secrets.
func TestRun(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	path := "apps/" + url.PathEscape(formApp) + "/run"
	form := url.Values{
		"id": {runningID}, "version": {"2.0.0"}, "environment": {"lab"}, "timeout": {"5"}, "p.token": {"s3cret-token"}, "p.level": {"debug"},
		"p.kinds": {"URL", hostile}, "p.region": {"mars"}, "p.headers": {"a\r\nb"}, "p.last": {""},
	}
	if res := r.post(c, path, form); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/console/executions/"+runningID {
		t.Fatalf("running: %s to %q\n%s", res.Status, res.Header.Get("Location"), text(t, res))
	}
	order := r.api.ran[0]
	want := map[string]string{"token": "s3cret-token", "level": "debug", "kinds": "URL|" + hostile, "region": "mars", "headers": "a\nb", "dry": "false", hostile: ""}
	if order.ID != runningID || order.App != formApp || order.Version != "2.0.0" || order.TimeoutMS != 300_000 || order.Environment != "lab" || order.Retryable || len(order.Params) != len(want) {
		t.Errorf("order %+v", order)
	}
	for name, value := range want {
		if got, ok := order.Params[name]; !ok || got != value {
			t.Errorf("parameter %q is %q; want %q", name, got, value)
		}
	}
	for name, change := range map[string]struct{ field, value, say string }{
		"required": {"p.token", "", "This is required."}, "choice": {"p.level", "loud", "none of its values"},
		"several": {"p.kinds", "Other", "not all of its values"}, "timeout": {"timeout", "-1", "a time from 1s to 168h"}, "id": {"id", "", "not whole"},
	} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(change.field, change.value)
		res := r.post(c, path, bad)
		body := text(t, res)
		if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, change.say) || !strings.Contains(body, `value="mars"`) || strings.Contains(body, "s3cret-token") {
			t.Errorf("%s: %s\n%s", name, res.Status, body)
		}
		if strings.HasPrefix(change.field, "p.") && !strings.Contains(body, `aria-invalid="true"`) && name != "several" {
			t.Errorf("%s: no field is marked", name)
		}
	}
	if len(r.api.ran) != 1 {
		t.Errorf("%d orders", len(r.api.ran))
	}
	r.api.refuses = &v1.Error{Status: http.StatusBadRequest, Code: v1.CodeBadRequest, Message: `parameter "region" is nowhere`}
	if body := text(t, r.post(c, path, form)); strings.Count(body, "is nowhere") != 2 {
		t.Errorf("what the cloud refuses is not said at its field:\n%s", body)
	}
	r.api.refuses = &v1.Error{Status: http.StatusConflict, Code: v1.CodeExists, Message: "the order exists"}
	if res := r.post(c, path, form); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/console/executions/"+runningID {
		t.Errorf("a form sent twice: %s to %q", res.Status, res.Header.Get("Location"))
	}
}
