package console

import (
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// The tables of the console. A page's own file has its load, its forms and its rows.
var (
	pages = []page{
		{name: "environments", path: "{$}", part: "environments", title: "Environments", role: access.Viewer, load: loadEnvironments, live: follow("environments")},
		{name: "environment", path: "environments/{name}", part: "environments", role: access.Viewer, load: loadEnvironment, live: followOne("environments", "name")},
		{name: "servers", path: "servers", part: "servers", title: "Servers", role: access.Viewer, load: loadServers, live: follow("servers")},
		{name: "away", path: "servers/away", part: "servers", title: "Servers away for long", role: access.Administrator, load: loadAway},
		{name: "server", path: "servers/{xid}", part: "servers", role: access.Viewer, load: loadServer, live: followOne("servers", "xid")},
		{name: "executions", path: "executions", part: "executions", title: "Executions", role: access.Viewer, load: loadExecutions, live: follow("executions")},
		{name: "execution", path: "executions/{id}", part: "executions", role: access.Viewer, load: loadExecution},
		{name: "apps", path: "apps", part: "apps", title: "Apps", role: access.Viewer, load: loadApps},
		{name: "app", path: "apps/{name}", part: "apps", role: access.Viewer, load: loadApp},
		{name: "run", html: "form", path: "apps/{name}/run", part: "apps", role: access.Operator, load: loadRun},
		{name: "jobs", path: "jobs", part: "jobs", title: "Jobs", role: access.Viewer, load: loadJobs, live: follow("jobs")},
		{name: "job", path: "jobs/{name}", part: "jobs", role: access.Viewer, load: loadJob, live: followOne("jobs", "name")},
		{name: "job-new", html: "form", path: newJobPath, part: "jobs", role: access.Operator, load: loadNewJob},
		{name: "job-edit", html: "form", path: "jobs/{name}/edit", part: "jobs", role: access.Operator, load: loadEditJob},
		{name: "services", path: "services", part: "services", title: "Services", role: access.Viewer, load: loadServices, live: follow("services")},
		{name: "service", path: "services/{name}", part: "services", role: access.Viewer, load: loadService, live: followOne("services", "name")},
		{name: "service-new", html: "form", path: newServicePath, part: "services", role: access.Operator, load: loadNewService},
		{name: "service-edit", html: "form", path: "services/{name}/edit", part: "services", role: access.Operator, load: loadEditService},
		{name: "trigger-new", html: "form", path: "services/{name}/trigger", part: "services", role: access.Operator, load: loadNewTrigger},
		{name: "releases", path: "releases", part: "releases", title: "Releases", role: access.Viewer, load: loadReleases},
		{name: "rollout", html: "form", path: rolloutPath, part: "releases", role: access.Administrator, load: loadRollout},
		{name: "choice", html: "form", path: choicePath, part: "releases", role: access.Administrator, load: loadChoice},
		{name: "variables", path: "variables", part: "variables", title: "Variables", role: access.Viewer, load: loadVariables},
		{name: "audit", path: "audit", part: "audit", title: "Audit", role: access.Administrator, load: loadAudit},
		{name: "users", path: "users", part: "users", title: "Users and tokens", role: access.Administrator, load: loadUsers},
		{name: "user", path: "users/{name}", part: "users", role: access.Administrator, load: loadUser},
		{name: "account", path: "account", part: "account", title: "Your account", role: access.Viewer, load: loadAccount},
	}

	answers = []answered{
		{path: "executions/{id}/files/{name...}", role: access.Viewer, do: sendFile},
		{path: "executions/{id}/log", role: access.Viewer, do: sendLog},
		{path: "executions/{id}/follow", role: access.Viewer, do: followExecution},
	}

	actions = []action{
		{path: "environments", role: access.Administrator, page: "environments", do: createEnvironment},
		{path: "environments/{name}/activate", role: access.Administrator, page: "environment", do: setActive(true)},
		{path: "environments/{name}/deactivate", role: access.Administrator, page: "environment", do: setActive(false)},
		{path: "environments/{name}/delete", role: access.Administrator, page: "environment", do: deleteEnvironment},
		{path: "environments/{name}/bundle", role: access.Administrator, page: "environment", do: downloadBundle},
		{path: "servers/revoke", role: access.Administrator, page: "away", do: revokeAway},
		{path: "servers/{xid}/rename", role: access.Operator, page: "server", do: renameServer},
		{path: "servers/{xid}/drain", role: access.Operator, page: "server", do: drainServer},
		{path: "servers/{xid}/resume", role: access.Operator, page: "server", do: resumeServer},
		{path: "servers/{xid}/restart", role: access.Operator, page: "server", do: controlServer(wire.ActionRestart, "%s was asked to restart. Its jobs go on.")},
		{path: "servers/{xid}/update", role: access.Operator, page: "server", do: controlServer(wire.ActionUpdate, "%s was asked to look for its release.")},
		{path: "servers/{xid}/level", role: access.Operator, page: "server", do: controlServer(wire.ActionLogLevel, "%s was asked to log so.")},
		{path: "servers/{xid}/revoke", role: access.Administrator, page: "server", do: revokeServer},
		{path: "servers/{xid}/keep", role: access.Administrator, page: "server", do: keepHost},
		{path: "executions/{id}/cancel", role: access.Operator, page: "execution", do: cancelExecution},
		{path: "apps", role: access.Operator, page: "apps", do: uploadApp},
		{path: "apps/{name}/remove", role: access.Operator, page: "app", do: removeApp},
		{path: "apps/{name}/run", role: access.Operator, page: "run", do: runApp},
		{path: newJobPath, role: access.Operator, page: "job-new", do: createJob},
		{path: "jobs/{name}/edit", role: access.Operator, page: "job-edit", do: editJob},
		{path: "jobs/{name}/run", role: access.Operator, page: "job", do: runJob},
		{path: "jobs/{name}/pause", role: access.Operator, page: "job", do: setPaused(true)},
		{path: "jobs/{name}/resume", role: access.Operator, page: "job", do: setPaused(false)},
		{path: "jobs/{name}/remove", role: access.Operator, page: "job", do: removeJob},
		{path: "services/{name}/start", role: access.Operator, page: "service", do: changeService(v1.ChangeService{Running: new(true)}, "starts.")},
		{path: "services/{name}/stop", role: access.Operator, page: "service", do: changeService(v1.ChangeService{Running: new(false)}, "is told to end.")},
		{path: "services/{name}/restart", role: access.Operator, page: "service", do: changeService(v1.ChangeService{Restart: true}, "is being replaced by a new instance.")},
		{path: newServicePath, role: access.Operator, page: "service-new", do: createService},
		{path: "services/{name}/edit", role: access.Operator, page: "service-edit", do: editService},
		{path: "services/{name}/remove", role: access.Operator, page: "service", do: removeService},
		{path: "services/{name}/token", role: access.Operator, page: "service", do: renewToken},
		{path: "services/{name}/trigger", role: access.Operator, page: "trigger-new", do: addTrigger},
		{path: "services/{name}/triggers/{trigger}/remove", role: access.Operator, page: "service", do: removeTrigger},
		{path: "releases/{channel}/halt", role: access.Administrator, page: "releases", do: haltRollout},
		{path: "releases", role: access.Administrator, page: "releases", do: addRelease},
		{path: "releases/packages/{name}/remove", role: access.Administrator, page: "releases", do: removePackage},
		{path: rolloutPath, role: access.Administrator, page: "rollout", do: startRollout},
		{path: choicePath, role: access.Administrator, page: "choice", do: choose},
		{path: "variables", role: access.Operator, page: "variables", do: setVariable},
		{path: "variables/remove", role: access.Operator, page: "variables", do: removeVariable},
		{path: "users", role: access.Administrator, page: "users", do: createUser},
		{path: "users/{name}/link", role: access.Administrator, page: "user", do: linkUser},
		{path: "users/{name}/role", role: access.Administrator, page: "user", do: changeRole},
		{path: "users/{name}/disable", role: access.Administrator, page: "user", do: setDisabled(true)},
		{path: "users/{name}/enable", role: access.Administrator, page: "user", do: setDisabled(false)},
		{path: "users/{name}/remove", role: access.Administrator, page: "user", do: removeUser},
		{path: "tokens", role: access.Administrator, page: "users", do: createToken},
		{path: "tokens/{id}/revoke", role: access.Administrator, page: "users", do: revokeToken},
		{path: "account/password", role: access.Viewer, page: "account", do: changePassword},
	}

	// kinds are what live pages follow, see package live.
	kinds = []kind{
		{name: "environments", all: environmentRows, one: environmentOne},
		{name: "servers", all: serverRows, one: serverOne},
		{name: "executions", all: executionRows},
		{name: "jobs", all: jobRows, one: jobOne},
		{name: "services", all: serviceRows, one: serviceOne},
		{name: "history", one: historyOne, every: 5 * time.Second},
	}

	// navigation leads to the parts of the console.
	navigation = []entry{
		{Part: "environments", Name: "Environments", Path: "", Role: access.Viewer},
		{Part: "servers", Name: "Servers", Path: "servers", Role: access.Viewer},
		{Part: "executions", Name: "Executions", Path: "executions", Role: access.Viewer},
		{Part: "apps", Name: "Apps", Path: "apps", Role: access.Viewer},
		{Part: "jobs", Name: "Jobs", Path: "jobs", Role: access.Viewer},
		{Part: "services", Name: "Services", Path: "services", Role: access.Viewer},
		{Part: "releases", Name: "Releases", Path: "releases", Role: access.Viewer},
		{Part: "variables", Name: "Variables", Path: "variables", Role: access.Viewer},
		{Part: "audit", Name: "Audit", Path: "audit", Role: access.Administrator},
		{Part: "users", Name: "Users and tokens", Path: "users", Role: access.Administrator},
	}
)

// entry of the navigation. Its icon has the part's name.
type entry struct {
	Part, Name string
	Path       string // below Prefix
	Role       access.Role
}

// follow makes a page follow all of a kind, followOne the one that a part of its path names.
func follow(kind string) func(*request) string { return func(*request) string { return kind } }

func followOne(kind, key string) func(*request) string {
	return func(q *request) string { return kind + "/" + q.PathValue(key) }
}
