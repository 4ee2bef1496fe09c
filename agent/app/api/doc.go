// Package api answers the HTTP requests that running Apps make to their platform: token renewal,
// log shipping, Playbook key-value variables, secure parameters and runtime variables. The
// Dedicated Cloud serves it on 443 over its own storage; `tcenvsvr app run` serves it on a loopback
// port over Memory, so that an App needs no cloud.
//
//	App ── Authorization: TC-Token T ──► Handler ── Tokens.Session(T) ──► who, which context
//	                                        │
//	   GET  /appAuth?expiredToken=T ────────┼─► Tokens.Renew         (no header)
//	   POST /v2/logs/app ───────────────────┼─► Runs.AppendLog
//	   GET  /internal/job/execution/parameters ─► Runs.Params        {"inputs":{…}}
//	   GET  /internal/variable/runtime/{TC|Vault}/{uuid} ─► Runs.Variable  {"data":"…"}
//	   GET, PUT /internal/playbooks/keyValue/{context}/{key} ─► KeyValue
//	   GET, PUT /internal/playbooks/keyValue/{key}           ─► KeyValue, context of the token
//	   /v2/…, /v3/… ────────────────────────┴─► Config.Platform: threat intelligence and the like
//
// Paths are relative to tc_api_path, which ends in /api: mount the Handler with
// http.StripPrefix("/api", h). Keys arrive percent-encoded (Python leaves "~" and unreserved
// characters, Java writes + for a space), so the escaped path is split first and each part decoded
// once.
//
// What is not obvious: a variable that was never set is answered with 200 and the body null,
// because TcEx does not look at the status and fails to parse an empty body. A token speaks for one
// execution and opens its own context only. Failures are {"status":"Failure","message":"…"}; no
// answer or log line holds a token or a value.
//
// What an App may send (app contract §6), in bytes of the body as it is on the wire; for more the
// answer is 413, which reaches even an App that sends its whole body first (package leftover):
//
//	PUT  /internal/playbooks/keyValue/…   32 MiB (33554432): the JSON text, in which a Binary is base64
//	POST /v2/logs/app                      8 MiB, one batch; TcEx sends 100 entries
//	any other                              nothing is expected, nothing is kept
//	every path                             8 KiB, escaped; 414 beyond it
//
// Of the requests of one execution that send much, read variables or are the platform's, eight are
// served at a time; more wait.
package api
