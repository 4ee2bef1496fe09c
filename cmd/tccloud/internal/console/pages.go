package console

import (
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
)

// The tables of the console. A page's own file has its load, its forms and its rows.
var (
	pages = []page{
		{name: "environments", path: "{$}", part: "environments", title: "Environments", role: access.Viewer, load: loadEnvironments, live: follow("environments")},
		{name: "environment", path: "environments/{name}", part: "environments", role: access.Viewer, load: loadEnvironment, live: followOne("environments", "name")},
		{name: "servers", path: "servers", part: "servers", title: "Servers", role: access.Viewer, load: loadServers, live: follow("servers")},
		{name: "server", path: "servers/{xid}", part: "servers", role: access.Viewer, load: loadServer, live: followOne("servers", "xid")},
		{name: "executions", path: "executions", part: "executions", title: "Executions", role: access.Viewer, load: loadExecutions, live: follow("executions")},
		{name: "execution", path: "executions/{id}", part: "executions", role: access.Viewer, load: loadExecution},
		{name: "apps", path: "apps", part: "apps", title: "Apps", role: access.Viewer, load: loadApps},
		{name: "app", path: "apps/{name}", part: "apps", role: access.Viewer, load: loadApp},
		{name: "run", path: "apps/{name}/run", part: "apps", role: access.Operator, load: loadRun},
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
	}

	// kinds are what live pages follow, see package live.
	kinds = []kind{
		{"environments", environmentRows},
		{"servers", serverRows},
		{"executions", executionRows},
	}

	// navigation leads to the parts of the console.
	navigation = []entry{
		{Part: "environments", Name: "Environments", Path: "", Role: access.Viewer},
		{Part: "servers", Name: "Servers", Path: "servers", Role: access.Viewer},
		{Part: "executions", Name: "Executions", Path: "executions", Role: access.Viewer},
		{Part: "apps", Name: "Apps", Path: "apps", Role: access.Viewer},
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
