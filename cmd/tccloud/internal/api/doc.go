// Package api is the cloud's HTTPS side: one server, one certificate, three
// kinds of callers told apart by path and by what they show:
//
//	/api/admin/v1/…         operators  Authorization: Bearer <admin token>
//	/api/internal/envsvr/…  agents     Authorization: Bearer <appDeliveryToken>   (catalog)
//	/api/…                  Apps       Authorization: TC-Token <App token>        (agent/appapi)
//	/healthz                anyone     200 while the process serves
//
// The admin API is specified in api/v1. Handlers return errors; route
// turns them into a status and a body in one place.
package api
