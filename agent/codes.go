package agent

import (
	"cmp"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
)

// HostHint is what to try about a host that is not fit, by the problem's code; "" where none is known.
func HostHint(code string) string {
	return cmp.Or(fitness.Hints[code], job.Hints[code], fault.Hints[code])
}

// Hints say of each code that this package gives to a result what it means
// and what to try, for help. The others are app's and job's.
var Hints = map[string]string{
	"api.refused":            "the cloud's API refused what the order needs, e.g. its parameters; the message has its words",
	"app.outcome_unreadable": "the App ended, and files that it left (results, message) cannot be read: links, devices or folders stand in their place",
	"job.start_failed":       "the App was not started; the message begins with the reason, a code of this list",
	"job.supervisor_lost":    "the job's supervisor was killed, or the host restarted: what became of the App is not known",
	"order.not_prepared":     "something else kept the App from being started; the message says what",
	"order.start_too_late":   "the order's time to start had passed: the server was away, or all its slots were taken",
}

// RefusalHints are for the reasons for which an order is not accepted; the
// cloud gives it to another server, or again later.
var RefusalHints = map[wire.Reason]string{
	wire.ReasonNoCredit: "more orders came than this server has free slots (appsNumberofJobExecutors)",
	wire.ReasonUnfit:    "this host cannot run Apps now; the message says why, and \"tcenvsvr status\" too",
	wire.ReasonDraining: "this server stops, restarts or was told to take nothing new",
	wire.ReasonUnknown:  "the order that is to be cancelled or recalled is not here",
}
