package cloud_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tcenvsvr/cmd/tccloud/internal/access"
)

// scrape asks for the figures as Prometheus does, and returns status and text.
func (g *guarded) scrape(token string, accept string) (int, string) {
	g.t.Helper()
	r := must(http.NewRequestWithContext(g.t.Context(), "GET", g.endpoint.URL+"/metrics", nil))(g.t)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Accept", accept)
	res := must(g.https.Do(r))(g.t)
	defer res.Body.Close()
	body := io.Reader(res.Body)
	if res.StatusCode == http.StatusOK {
		if got := res.Header.Get("Content-Encoding"); got != "gzip" {
			g.t.Errorf("encoding: got %q", got)
		}
		body = must(gzip.NewReader(res.Body))(g.t)
	}
	return res.StatusCode, string(must(io.ReadAll(body))(g.t))
}

// TestMetricsAreTold: what README.md asks Prometheus for is there.
func TestMetricsAreTold(t *testing.T) {
	g := guard(t)
	_, all := g.scrape(g.tokens[access.Viewer], "")
	text := string(must(os.ReadFile("../../README.md"))(t))
	names := regexp.MustCompile(`tccloud_[a-z_]+[a-z][{) \[]`).FindAllString(text, -1)
	if len(names) < 5 {
		t.Errorf("README.md has only %q", names)
	}
	for _, name := range names {
		name = name[:len(name)-1]
		if !strings.Contains(all, "# TYPE "+name+" ") {
			t.Errorf("README.md has %s, which nobody tells", name)
		}
	}
}

// TestMetrics: Prometheus reads them, for each role, and a token of one Environment gets nothing of
// another one or of the cloud.
func TestMetrics(t *testing.T) {
	g := guard(t)
	for what, token := range map[string]string{"no token": "", "wrong": "x", "almost": g.tokens[access.Viewer][:20]} {
		if status, body := g.scrape(token, ""); status != 401 || strings.Contains(body, "tccloud_") {
			t.Errorf("%s: got %d %s", what, status, body)
		}
	}
	for _, role := range access.Roles {
		status, all := g.scrape(g.tokens[role], "text/plain")
		parser := expfmt.NewTextParser(model.UTF8Validation)
		if _, err := parser.TextToMetricFamilies(strings.NewReader(all)); err != nil || status != 200 {
			t.Fatalf("%s: got %d, %v\n%s", role, status, err, all)
		}
		for _, want := range []string{
			`tccloud_servers{environment="secret",state="away"} 1`, `tccloud_orders_queued{environment="lab"} 1`, `tccloud_jobs{environment="lab",state="idle"} 1`,
			`tccloud_services{environment="lab",state="stopped"} 1`, `tccloud_gateway_orders_submitted_total{environment="secret"} 1`,
			`tccloud_gateway_health{check="store"} 0`, `tccloud_gateway_store_writable 1`, `tccloud_stored_bytes{stream="LOGS"} 0`, "tccloud_gateway_audit_refusals_total 3",
			`tccloud_gateway_store_write_seconds_count `, "go_goroutines ", "process_resident_memory_bytes ", `tccloud_gateway_build_info{goversion="go`,
		} {
			if !strings.Contains(all, "\n"+want) {
				t.Errorf("%s: no %s\n%s", role, want, all)
			}
		}
		problems := must(promlint.New(strings.NewReader(all)).Lint())(t)
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	status, lab := g.scrape(g.limited[access.Viewer], "application/openmetrics-text")
	if status != 200 || !strings.HasSuffix(lab, "\n# EOF\n") || !strings.Contains(lab, `tccloud_orders_queued{environment="lab"} 1`) {
		t.Errorf("got %d %s", status, lab)
	}
	for line := range strings.Lines(lab) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, `environment="lab"`) || strings.Contains(line, "secret") {
			t.Errorf("of lab only: got %s", line)
		}
	}
	// An Environment that is gone has no figures, and none of before when there is another one of its name.
	if err := g.DeleteEnvironment(t.Context(), "lab", true); err != nil {
		t.Fatal(err)
	}
	if _, all := g.scrape(g.tokens[access.Viewer], ""); strings.Contains(all, `environment="lab"`) {
		t.Errorf("of an Environment that is gone: got %s", regexp.MustCompile(`.*"lab".*`).FindString(all))
	}
	must(g.CreateEnvironment(t.Context(), "lab", ""))(t)
	if _, all := g.scrape(g.tokens[access.Viewer], ""); !strings.Contains(all, `orders_submitted_total{environment="lab"} 0`) || !strings.Contains(all, `tccloud_environment_active{environment="lab"} 1`) {
		t.Errorf("of a new one: got %s", all)
	}
}
