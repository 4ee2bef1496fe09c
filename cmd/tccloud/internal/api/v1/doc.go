// Package v1 is what the admin API speaks: JSON over HTTPS below /api/admin/v1, "Authorization:
// Bearer <token>": the admin token or an API token (tct_…). Server and client share it.
//
//	GET    status
//	GET    environments                    POST   environments             NewEnvironment → Environment
//	GET    environments/{name}             PATCH  environments/{name}      ChangeEnvironment → Environment
//	GET    environments/{name}/history?hours=   Hours, the oldest first; 1–720
//	DELETE environments/{name}?force=      POST   environments/{name}/bundle  NewBundle → a ZIP
//	GET    servers?environment=            GET    servers/{xid}
//	PATCH  servers/{xid}                   ChangeServer → Server
//	POST   servers/{xid}/revoke
//	POST   servers/revoke               RevokeAway → RevokedAway
//	POST   servers/{xid}/drain             DrainServer → Server            POST servers/{xid}/resume  → Server
//	POST   servers/{xid}/control           ControlServer
//	GET    environments/{name}/sealing     Statements of the servers' sealing keys
//	GET    apps                            POST   apps?replace=            a .tcx, and HeaderAppSignature → App
//	GET    apps/{name}?version=
//	GET    apps/{name}/{version}/signature PUT    apps/{name}/{version}/signature  the text → App
//	DELETE apps/{name}/{version}?force=
//	POST   drafts                          NewExecution → Draft, for who signs it; nothing is stored
//	POST   executions                      NewExecution → Execution
//	GET    executions?environment=&state=&app=&server=&since=&until=&q=&limit=&cursor=   newest first; HeaderNext
//	GET    executions/{id}
//	POST   executions/{id}/cancel          Cancel
//	GET    executions/{id}/watch           Line with an Execution each, until it has ended
//	GET    executions/{id}/logs?stream=&attempt=&follow=   Line with a Chunk each
//	GET    executions/{id}/outputs         Outputs: the Playbook variables written
//	GET    executions/{id}/files/{name}    a published file
//	GET    executions/{id}/artifacts       Artifacts     GET executions/{id}/artifacts/{n}  a batch's content
//	GET    executions/{id}/requests        Requests that were passed on to the platform
//	GET    jobs                            POST   jobs                     NewJob → Job
//	GET    jobs/{name}                     PATCH  jobs/{name}              ChangeJob → Job
//	DELETE jobs/{name}                     POST   jobs/{name}/run          → Started
//	GET    variables                       PUT    variables/{source}/{id}  Content
//	DELETE variables/{source}/{id}
//	GET    users                           POST   users                    NewUser → User
//	GET    users/{name}                    PATCH  users/{name}             ChangeUser → User
//	DELETE users/{name}                    POST   users/{name}/link        → Link: signs in once, within 15 minutes
//	GET    tokens                          POST   tokens                   NewAPIToken → MadeAPIToken
//	DELETE tokens/{id}
//	GET    audit?limit=&before=            AuditEntries, the newest first; before= the id of one
//
// A viewer may GET all but users, tokens and audit. An operator may also do what is below apps,
// executions, drafts, jobs, services and variables, and rename servers. The rest is for administrators.
// 401 "unauthorized" is who is nobody, 403 "forbidden" who has not the role. For a token that is limited
// to Environments nothing of others is there (404, left out of lists and figures), and what is of no
// Environment is forbidden: variables, releases, users, tokens, audit, new Environments, changes of Apps.
//
// Streams (watch, logs) have one Line as JSON on each line, empty ones while nothing happens; an
// error after the first line is a Line, too. Every other failure is
// {"error":{"code","message","hint"}} with a fitting status. Codes are an API, messages are for
// people. No answer holds a token but that of the request that
// made it, and none but a Draft the value of a parameter.
package v1
