// Package api is the cloud's HTTPS side: one server, one certificate, and three kinds of callers,
// distinguished by path and by credentials:
//
//	/api/admin/v1/…         operators  Authorization: Bearer <admin token or API token>; or the console, in this process
//	/api/internal/envsvr/…  agents     Authorization: Bearer <appDeliveryToken>   (catalog)
//	/api/…                  Apps       Authorization: TC-Token <App token>        (agent/app/api, and for what is the platform's: platform or upstream)
//	/metrics                Prometheus Authorization: Bearer, as operators (package metrics)
//	/healthz                balancers  200 while things can be stored
//	/readyz                 balancers  200 while new orders are taken
//
// While package health reports that the cloud is not well, new orders, Apps and packages are
// refused (intake), and errors name the cause.
//
// The admin API is specified in api/v1. routes.go is the one table of who may use what: the role that a
// route needs, and what a token gets that is limited to some Environments (reach.go). Who asks is in the
// request's context from authorize.go on (package access), and what is not just reading is in the audit
// log before its answer is sent. Handlers return errors; route turns them into a status and
// a body in one place.
package api
