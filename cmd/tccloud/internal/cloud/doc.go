// Package cloud is the composition root of a cloud: it makes the parts, opens the ports, reports
// that the cloud is ready and runs everything until ctx ends. Only the command "tccloud serve"
// imports it.
//
//	lock DIR ─► ports open ─► store ─► identity ─► registry, dispatch, catalog ─► gateway, API
//	        ─► endpoint.json ─► … ─► ctx ends ─► all stop ─► store closes ─► endpoint.json gone
//
// The checks of package health run beside them, and the removal of what is old (retention.go).
//
// The ports are opened first, so that a wrong address is an error before anything is changed; early
// connections wait. An error of one part ends all.
package cloud
