// Package api is the cloud's HTTPS side: one server, one certificate, three
// kinds of callers told apart by path and by what they show:
//
//	/api/admin/v1/…         operators  Authorization: Bearer <admin token>
//	/api/internal/envsvr/…  agents     Authorization: Bearer <appDeliveryToken>   (catalog)
//	/api/…                  Apps       Authorization: TC-Token <App token>        (agent/app/api)
//	/healthz                balancers  200 while things can be stored
//	/readyz                 balancers  200 while new orders are taken
//
// How the cloud is comes from package health; while that says so, what is new
// is refused (intake) and what fails is told with its cause.
//
// The admin API is specified in api/v1. Handlers return errors; route
// turns them into a status and a body in one place.
package api
