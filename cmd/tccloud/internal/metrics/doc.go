// Package metrics tells Prometheus how the cloud is: GET /metrics on the port of the API.
//
//	gateway does something ──► counters, histograms (counted.go) ──┐
//	scrape ──► what gateways have in memory (cloud.go, asked.go) ──┴─► who asks ──► only what they see (scope.go)
//
// Nothing is collected between scrapes, and a scrape costs what there is to tell about: no list of
// executions is read for it. With 1,000 servers in ten Environments it takes 2 ms of processor time
// (BenchmarkScrape), however many executions have ended.
//
// The names say whose a figure is:
//
//	tccloud_…          the cloud's: each gateway says the same. One of them counts: max by (environment) (…)
//	tccloud_gateway_…  the gateway's own: sum by (environment) (…) is the cloud's
//	go_…, process_…    the gateway's process
//
// Labels have few values: Environments, the seven outcomes, states, and the twenty versions that most
// servers have. What an agent says of itself is no label, or one of a few. Names of servers, Jobs,
// services and Apps are none.
//
// Who is limited to some Environments gets what has one of them as its label, and nothing else.
package metrics
