// Package upstream passes what Apps ask of their platform on to a real ThreatConnect instance, with the
// credentials of whoever runs the cloud or the App; the App never sees them.
//
//	App ── TC-Token T ──► cloud or "app run" ── Authorization: TC id:HMAC ──► https://host/api/v2, /v3
//	      /api/v2/batch                          Timestamp
//
// Bodies stream in both directions: none is held in memory. What is passed on is built anew: the path
// with its query, the body, and the headers of a list; so is the answer. Hence no token of ours
// reaches the instance, and no session of the instance the App.
//
// Credentials go to the one host of the URL and nowhere else: over TLS that is verified, and an answer
// that leads elsewhere is not followed but refused (502). Some endpoints are never passed on, because
// they would hand out rights that last longer than the execution (path.go). When the instance does not
// take the credentials (401), the App gets 403: it is not its token that is wrong, and it cannot help.
//
// [Config].Passed hears of every request, for people: method, path, status, bytes.
package upstream
