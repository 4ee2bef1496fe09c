package test

import (
	"strings"
	"testing"

	"tcenvsvr/test/need"
)

// patient outlives its token three times, and notes what the platform gave it.
const patient = `import json, ssl, urllib.error, urllib.parse, urllib.request
token, base = p["tc_token"], p["tc_api_path"]
context = ssl.create_default_context()
def call(path, token=None):
    request = urllib.request.Request(base + path, headers={"Authorization": "TC-Token " + token} if token else {})
    try:
        with urllib.request.urlopen(request, context=context) as r:
            return r.status, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()
own = "/internal/job/execution/parameters"
assert call(own, token)[0] == 200, "the first token"
for i in range(3):
    deadline = time.time() + 60
    while call(own, token)[0] == 200:
        assert time.time() < deadline, "the token does not end"
        time.sleep(0.2)
    status, body = call("/appAuth?expiredToken=" + urllib.parse.quote(token, safe=""))
    answer = json.loads(body)
    assert status == 200 and answer["success"] and answer["apiToken"] != token and int(answer["apiTokenExpires"]) > time.time() - 5, body
    token = answer["apiToken"]
    assert call(own, token)[0] == 200, "a new token"
given = {name: p.get(name) for name in ("tc_user_id", "tc_job_id", "api_default_org", "tc_log_to_api", "tc_verify", "tc_proxy_tc", "tc_proxy_external")}
app.exit(0, json.dumps(given, sort_keys=True))`

// TestTokenOfALongJob: an App that runs for longer than its token lives gets others, also for one
// that is over; and a Job's runs have the platform's parameters.
func TestTokenOfALongJob(t *testing.T) {
	t.Parallel()
	need.Python(t)
	s := newScene(t)
	c, err := s.StartCloud(s.ctx, "cloud", "--token-life", "3s")
	s.must(err, "starting the cloud")
	_, err = c.Do(s.ctx, "env", "create", "lab")
	s.must(err, "creating the Environment")
	s.agent(c, "lab", "one")
	name := s.script(c, "Patient", patient)
	_, err = c.Do(s.ctx, "job", "create", "patient", "lab", name)
	s.must(err, "creating the Job")
	_, err = c.Do(s.ctx, "job", "create", "other", "lab", name)
	s.must(err, "creating another Job")
	ids := map[string]bool{}
	for _, name := range []string{"patient", "other"} {
		_, err := c.Do(s.ctx, "job", "run", name, "--detach")
		s.must(err, "starting a run")
	}
	for _, name := range []string{"patient", "other"} {
		j := s.jobIs(c, name, "waiting for the end of the run", func(j jobView) bool { return len(j.History) == 1 })
		message := j.History[0].Message
		for _, want := range []string{`"api_default_org": "lab"`, `"tc_user_id": "1"`, `"tc_log_to_api": "false"`, `"tc_verify": "true"`, `"tc_proxy_tc": "false"`, `"tc_proxy_external": "false"`, `"tc_job_id": "`} {
			if j.History[0].Outcome != "succeeded" || !strings.Contains(message, want) {
				t.Errorf("%s: %s %s, want %s", name, j.History[0].Outcome, message, want)
			}
		}
		ids[message] = true
	}
	if len(ids) != 2 {
		t.Errorf("two Jobs have one tc_job_id: %v", ids)
	}
}
