package agent

import (
	"cmp"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

// HostHint is what to try when a host is not fit, by the code of the problem; "" where nothing is
// known.
func HostHint(code string) string {
	return cmp.Or(fitness.Hints[code], job.Hints[code], fault.Hints[code])
}

// Hints say of each code that an order's own failures have what it means and what to try, for help.
// The others are those of package app/fault and of package job.
var Hints = order.Hints

// RefusalHints explain the reasons for which an order is not accepted. The cloud gives such an
// order to another server, or to this one later.
var RefusalHints = map[wire.Reason]string{
	wire.ReasonNoCredit: "more orders came than this server has free slots (appsNumberofJobExecutors)",
	wire.ReasonUnfit:    "this host cannot run Apps now; the message says why, and \"tcenvsvr status\" too",
	wire.ReasonDraining: "this server stops, restarts or was told to take nothing new",
	wire.ReasonUnknown:  "the order that is to be cancelled or recalled is not here",
}
