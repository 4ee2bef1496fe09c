package cloud_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// What was drafted is what the agent gets; where that cannot be, nothing is submitted.
func TestDraft(t *testing.T) {
	c, id, a := setup(t)
	q := v1.NewExecution{
		ID: "mine-1", Environment: "lab", App: "Playbook_App", Params: map[string]string{"user": "ada", "password": "s3cr3t"},
		KV: map[string]string{"#App:1:in!String": `"seed"`}, TimeoutMS: 60_000,
	}
	draft := must(c.Draft(t.Context(), q))(t)
	if list, _, err := c.Executions(t.Context(), client.ExecutionQuery{}); err != nil || len(list) != 0 {
		t.Fatalf("a draft was submitted: %+v, %v", list, err)
	}
	if draft.Order.Order != "mine-1" || draft.Environment != "lab" || draft.Order.KVContext == "" || draft.Order.Token != "" || draft.Order.Defaults["tc_user_id"] == "" {
		t.Errorf("got %+v", draft)
	}
	said := ""
	signed := func(change func(*v1.NewExecution)) string {
		t.Helper()
		s := q
		s.KVContext, s.Draft = draft.Order.KVContext, draft.SHA256
		change(&s)
		_, err := c.Run(t.Context(), s)
		said = fmt.Sprint(err)
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the error shows a value: %v", err)
		}
		return code(err)
	}
	params := func(user string) map[string]string { return map[string]string{"user": user, "password": "s3cr3t"} }
	const changed, alone = `" is not what was drafted: the App or the request has changed since`, "a signature needs the id and the draft that it is for"
	for name, tt := range map[string]struct {
		change     func(*v1.NewExecution)
		want, says string
	}{
		"another id":                {func(s *v1.NewExecution) { s.ID = "mine-2" }, v1.CodeChanged, `order "mine-2` + changed},
		"another context":           {func(s *v1.NewExecution) { s.KVContext = "x" }, v1.CodeChanged, changed},
		"another parameter":         {func(s *v1.NewExecution) { s.Params = params("eve") }, v1.CodeChanged, changed},
		"another timeout":           {func(s *v1.NewExecution) { s.TimeoutMS++ }, v1.CodeChanged, changed},
		"retryable":                 {func(s *v1.NewExecution) { s.Retryable = true }, v1.CodeChanged, changed},
		"a signature that is none":  {func(s *v1.NewExecution) { s.Signature = "tcsigned:v1:AAAA" }, v1.CodeBadRequest, "signature"},
		"a signature without draft": {func(s *v1.NewExecution) { s.Signature, s.Draft = "x", "" }, v1.CodeBadRequest, alone},
		"a signature without id":    {func(s *v1.NewExecution) { s.Signature, s.ID = "x", "" }, v1.CodeBadRequest, alone},
		"an id that is none":        {func(s *v1.NewExecution) { s.ID, s.Draft = "a/../b", "" }, v1.CodeBadRequest, ""},
		"a context that is none":    {func(s *v1.NewExecution) { s.KVContext, s.Draft = strings.Repeat("x", 65), "" }, v1.CodeBadRequest, ""},
		"sealed in no known form":   {func(s *v1.NewExecution) { s.Params, s.Draft = params("tcsealed:v9:s3cr3t"), "" }, v1.CodeBadRequest, ""},
	} {
		if got := signed(tt.change); got != tt.want || !strings.Contains(said, tt.says) {
			t.Errorf("%s: got %q %s, want %q %s", name, got, said, tt.want, tt.says)
		}
	}
	_, err := c.Draft(t.Context(), v1.NewExecution{Environment: "lab", App: "Playbook_App", Params: params("ada"), Signature: "x"})
	if code(err) != v1.CodeBadRequest || err.Error() != "a draft is made before it is signed" {
		t.Errorf("a draft with a signature: got %v", err)
	}

	// The App is replaced in between: other code than was signed would run.
	must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, "Playbook_App", "2.0.0", "Playbook")), nil, false))(t)
	if got := signed(func(*v1.NewExecution) {}); got != v1.CodeChanged {
		t.Errorf("after another version came: got %q, want %q", got, v1.CodeChanged)
	}
	if got := signed(func(s *v1.NewExecution) { s.Version = draft.Order.App.Version }); got != "<nil>" {
		t.Fatalf("as it was drafted: got %q", got)
	}
	order := next[*wire.Order](a)
	if order.ParamsByHTTPS || order.Token == "" {
		t.Errorf("got %+v", order)
	}
	token := order.Token
	order.Token, order.TokenTTLMS, order.StartWithinMS = "", 0, 0
	if diff := cmp.Diff(draft.Order, order); diff != "" {
		t.Errorf("the agent got another order than was drafted: %s", diff)
	}

	// The id is used up, and what is tried with it changes nothing.
	if got := signed(func(s *v1.NewExecution) {
		s.Draft, s.KV = "", map[string]string{"#App:1:in!String": `"changed"`}
	}); got != v1.CodeExists {
		t.Errorf("the same id again: got %q, want %q", got, v1.CodeExists)
	}
	https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: id.roots}}}
	variable := id.env["apiURL"] + "/api/internal/playbooks/keyValue/" + order.KVContext + "/" + url.PathEscape("#App:1:in!String")
	if status, value := call(t, https, "GET", variable, "TC-Token "+token, nil); status != 200 || value != `"seed"` {
		t.Errorf("got variable %q, status %d", value, status)
	}
}
