package api

import (
	"net/http"
	"strings"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// route is an endpoint of operators and who may use it.
type route struct {
	pattern string // "METHOD path" below v1.Prefix
	role    access.Role
	reach   reach // of a principal that is limited to some Environments
	serve   endpoint
	// often: it comes by the thousand, and is not waited for until it is in the audit log.
	often bool
}

// routes is the one table of the admin API. A viewer reads, an operator runs, an administrator decides
// which servers and people there are.
func (a *API) routes() []route {
	const viewer, operator, administrator = access.Viewer, access.Operator, access.Administrator
	return []route{
		{pattern: "GET status", role: viewer, reach: own, serve: a.status},

		{pattern: "GET environments", role: viewer, reach: own, serve: a.environments},
		{pattern: "POST environments", role: administrator, reach: everywhere, serve: a.createEnvironment},
		{pattern: "GET environments/{name}", role: viewer, reach: environment, serve: a.environment},
		{pattern: "PATCH environments/{name}", role: administrator, reach: environment, serve: a.changeEnvironment},
		{pattern: "DELETE environments/{name}", role: administrator, reach: environment, serve: a.deleteEnvironment},
		{pattern: "POST environments/{name}/bundle", role: administrator, reach: environment, serve: a.bundle},
		{pattern: "POST environments/{name}/link", role: administrator, reach: environment, serve: a.link},
		{pattern: "GET environments/{name}/history", role: viewer, reach: environment, serve: a.history},
		{pattern: "GET environments/{name}/sealing", role: viewer, reach: environment, serve: a.sealing},
		{pattern: "GET environments/{name}/metrics/{app}", role: viewer, reach: environment, serve: a.metrics},

		{pattern: "GET servers", role: viewer, reach: own, serve: a.servers},
		{pattern: "GET servers/{xid}", role: viewer, reach: server, serve: a.server},
		{pattern: "PATCH servers/{xid}", role: operator, reach: server, serve: a.changeServer},
		{pattern: "POST servers/{xid}/revoke", role: administrator, reach: server, serve: a.revokeServer},
		{pattern: "POST servers/revoke", role: administrator, reach: own, serve: a.revokeAway},
		{pattern: "POST servers/{xid}/drain", role: operator, reach: server, serve: a.drainServer},
		{pattern: "POST servers/{xid}/resume", role: operator, reach: server, serve: a.resumeServer},
		{pattern: "POST servers/{xid}/control", role: operator, reach: server, serve: a.controlServer},
		{pattern: "POST servers/{xid}/keep", role: administrator, reach: server, serve: a.keepHost},

		{pattern: "GET apps", role: viewer, reach: own, serve: a.apps},
		{pattern: "POST apps", role: operator, reach: everywhere, serve: a.intake(a.addApp)},
		{pattern: "GET apps/{name}", role: viewer, reach: own, serve: a.app},
		{pattern: "GET apps/{name}/{version}/signature", role: viewer, reach: own, serve: a.appSignature},
		{pattern: "PUT apps/{name}/{version}/signature", role: operator, reach: everywhere, serve: a.intake(a.signApp)},
		{pattern: "DELETE apps/{name}/{version}", role: operator, reach: everywhere, serve: a.removeApp},

		{pattern: "POST executions", role: operator, reach: own, serve: a.intake(a.run), often: true},
		{pattern: "POST drafts", role: operator, reach: own, serve: a.draft, often: true},
		{pattern: "GET executions", role: viewer, reach: own, serve: a.executions},
		{pattern: "GET executions/{id}", role: viewer, reach: execution, serve: a.execution},
		{pattern: "POST executions/{id}/cancel", role: operator, reach: execution, serve: a.cancel, often: true},
		{pattern: "GET executions/{id}/watch", role: viewer, reach: execution, serve: a.watch},
		{pattern: "GET executions/{id}/logs", role: viewer, reach: execution, serve: a.logs},
		{pattern: "GET executions/{id}/outputs", role: viewer, reach: execution, serve: a.outputs},
		{pattern: "GET executions/{id}/files/{name...}", role: viewer, reach: execution, serve: a.file},
		{pattern: "GET executions/{id}/artifacts", role: viewer, reach: execution, serve: a.artifacts},
		{pattern: "GET executions/{id}/artifacts/{n}", role: viewer, reach: execution, serve: a.artifact},
		{pattern: "GET executions/{id}/requests", role: viewer, reach: execution, serve: a.requests},

		{pattern: "GET releases", role: viewer, reach: everywhere, serve: a.updates},
		{pattern: "POST releases", role: administrator, reach: everywhere, serve: a.intake(a.importRelease)},
		{pattern: "PUT releases/packages/{name}", role: administrator, reach: everywhere, serve: a.intake(a.addPackage)},
		{pattern: "DELETE releases/packages/{name}", role: administrator, reach: everywhere, serve: a.removePackage},
		{pattern: "PUT releases/rollouts/{channel}", role: administrator, reach: everywhere, serve: a.rollout},
		{pattern: "POST releases/rollouts/{channel}/halt", role: administrator, reach: everywhere, serve: a.halt},
		{pattern: "POST releases/choices", role: administrator, reach: everywhere, serve: a.choose},

		{pattern: "GET jobs", role: viewer, reach: own, serve: a.jobs},
		{pattern: "POST jobs", role: operator, reach: own, serve: a.intake(a.createJob)},
		{pattern: "GET jobs/{name}", role: viewer, reach: job, serve: a.job},
		{pattern: "PATCH jobs/{name}", role: operator, reach: job, serve: a.changeJob},
		{pattern: "DELETE jobs/{name}", role: operator, reach: job, serve: a.removeJob},
		{pattern: "POST jobs/{name}/run", role: operator, reach: job, serve: a.intake(a.runJob), often: true},

		{pattern: "GET services", role: viewer, reach: own, serve: a.services},
		{pattern: "POST services", role: operator, reach: own, serve: a.intake(a.createService)},
		{pattern: "GET services/{name}", role: viewer, reach: service, serve: a.service},
		{pattern: "PATCH services/{name}", role: operator, reach: service, serve: a.changeService},
		{pattern: "DELETE services/{name}", role: operator, reach: service, serve: a.removeService},
		{pattern: "POST services/{name}/token", role: operator, reach: service, serve: a.serviceToken},
		{pattern: "POST services/{name}/triggers", role: operator, reach: service, serve: a.intake(a.addTrigger)},
		{pattern: "DELETE services/{name}/triggers/{trigger}", role: operator, reach: service, serve: a.removeTrigger},
		{pattern: "GET services/{name}/events", role: viewer, reach: service, serve: a.serviceEvents},

		{pattern: "GET variables", role: viewer, reach: everywhere, serve: a.variables},
		{pattern: "PUT variables/{source}/{id}", role: operator, reach: everywhere, serve: a.setVariable},
		{pattern: "DELETE variables/{source}/{id}", role: operator, reach: everywhere, serve: a.deleteVariable},

		{pattern: "GET users", role: administrator, reach: everywhere, serve: a.users},
		{pattern: "POST users", role: administrator, reach: everywhere, serve: a.createUser},
		{pattern: "GET users/{name}", role: administrator, reach: everywhere, serve: a.user},
		{pattern: "PATCH users/{name}", role: administrator, reach: everywhere, serve: a.changeUser},
		{pattern: "DELETE users/{name}", role: administrator, reach: everywhere, serve: a.removeUser},
		{pattern: "POST users/{name}/link", role: administrator, reach: everywhere, serve: a.linkUser},
		{pattern: "GET tokens", role: administrator, reach: everywhere, serve: a.tokens},
		{pattern: "POST tokens", role: administrator, reach: everywhere, serve: a.createToken},
		{pattern: "DELETE tokens/{id}", role: administrator, reach: everywhere, serve: a.revokeToken},
		{pattern: "GET audit", role: administrator, reach: everywhere, serve: a.auditLog},
	}
}

// admin mounts the operators' endpoints.
func (a *API) admin(mux *http.ServeMux) {
	for _, rt := range a.routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		mux.Handle(method+" "+v1.Prefix+path, a.authorized(rt))
	}
	mux.Handle("/api/admin/", a.authorized(route{role: access.Viewer, reach: own, serve: func(http.ResponseWriter, *http.Request) error {
		return problem(http.StatusNotFound, v1.CodeNotFound, "there is no such endpoint, or not with this method")
	}}))
}
