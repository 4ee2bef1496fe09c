// Package cloud is the composition root of a cloud: it makes the parts, opens the ports, reports
// that the cloud is ready and runs everything until ctx ends. Only the command "tccloud serve"
// imports it.
//
//	lock DIR ─► ports open ─► store ─► identity ─► registry, dispatch, catalog ─► gateway, API
//	        ─► endpoint.json ─► … ─► ctx ends ─► all stop ─► store closes ─► endpoint.json gone
//
// The checks of package health run beside them, and the removal of what is old.
//
// # What is kept, and for how long
//
// One gateway removes (dispatch.Dispatcher.Keeper, by lease), while its clock may be trusted; of two
// bounds the tighter one holds. Nothing goes that an execution needs which has not ended.
//
//	what                                      life                             bytes, of the disk at most
//	executions that have not ended            until they end, queued ≤ 30 d    –
//	ended executions, history by the hour     --keep-days, 45 d                1/8, 8 GiB: the oldest go
//	published files                           --keep-days                      1/4, 64 GiB
//	artifacts                                 --keep-days                      1/8, 16 GiB
//	requests passed on to the platform        --keep-days                      their stream's
//	revoked servers                           --keep-days                      –
//	logs of executions                        --keep-log-days, 7 d             1/5, 4 GiB
//	parameters of orders                      until the order ends             –
//	Playbook variables, logs that Apps ship   7 d after the last write         1/8, 4 GiB
//	audit log                                 package audit                    1/16, 1 GiB
//	events of services                        7 d                              1/16, 1 GiB
//	metrics of Apps                           800 d after the last value       512 KiB of an App
//	data that Apps store (datastore)          until Apps remove it             package datastore
//	data and metrics of Apps in an            ten minutes after it; an hour    –
//	Environment that was deleted              after they were written first
//	Apps, Jobs, services, variables           until somebody removes them      –
//	partial uploads                           8 d, by each gateway             –
//
// A deleted Environment has no queue of its own in the store: its orders are cancelled, and what they
// left goes as above.
//
// The ports are opened first, so that a wrong address is an error before anything is changed; early
// connections wait. An error of one part ends all.
package cloud
