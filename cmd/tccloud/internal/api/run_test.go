package api

import (
	"maps"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
)

// TestRunParameters: a Job may have no parameters at all, and its App may have others by now.
func TestRunParameters(t *testing.T) {
	app := v1.App{Params: []catalog.Param{{Name: "last_run"}, {Name: "p"}}}
	got := runParams(app, nil, map[string]string{"last_run": "1", "gone": "2"})
	if !maps.Equal(got, map[string]string{"last_run": "1"}) {
		t.Errorf("got %v", got)
	}
	got = runParams(app, map[string]string{"last_run": "0", "p": "3", "dropped": "4", "tc_log_level": "debug"}, map[string]string{"last_run": "1"})
	if !maps.Equal(got, map[string]string{"last_run": "1", "p": "3", "tc_log_level": "debug"}) {
		t.Errorf("got %v", got)
	}
}

// TestPlatformParameters: what the contract promises every App, and jobs besides.
func TestPlatformParameters(t *testing.T) {
	app := v1.App{Runtime: wire.RuntimeJob}
	app.Name = "Feed"
	q := v1.NewExecution{Environment: "lab", App: "Feed", Params: map[string]string{"tc_user_id": "7"}}
	r, err := compose(q, app)
	if err != nil || r.Params["tc_user_id"] != "7" || r.Defaults["tc_user_id"] != operator || r.Defaults["api_default_org"] != "lab" {
		t.Errorf("got %v, %v, %v", r.Params, r.Defaults, err)
	}
	job := r.Defaults["tc_job_id"]
	q.Environment = "other"
	if again, _ := compose(q, app); again.Defaults["tc_job_id"] == job || job == "" {
		t.Errorf("jobs %q in both Environments", job)
	}
	app.Runtime = wire.RuntimePlaybook
	if r, err = compose(q, app); err != nil || r.Defaults["tc_job_id"] != "" {
		t.Errorf("a Playbook App got %v, %v", r.Defaults, err)
	}
}
