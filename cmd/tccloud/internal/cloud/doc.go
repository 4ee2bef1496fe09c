// Package serve is the composition root of a cloud: it makes the parts,
// opens the ports, says that it is ready and runs everything until ctx ends.
//
//	lock DIR ─► ports open ─► store ─► registry, dispatch, catalog ─► gateway, API
//	        ─► endpoint.json ─► … ─► ctx ends ─► all stop ─► store closes ─► endpoint.json gone
//
// Beside them run what looks how the cloud is (package health) and what removes what
// has aged (retention.go).
//
// The ports are opened first, so that a wrong address is told before
// anything is touched; what connects early waits. One error ends all.
package cloud
