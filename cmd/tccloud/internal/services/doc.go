// Package services keeps Apps running that live for weeks: triggers, webhooks and APIs behind the
// customer's firewall.
//
//	operator ─► Service ──► reconcile.go ──► order ──► agent ──► shim ◄─MQTT─► App
//	             desired       │  one gateway           │
//	             state         ▼  by lease              │ what the App says, by the gateway that
//	                         State ◄────────────────────┘ has its agent: talk.go, triggers.go
//	                                                    │
//	HTTPS ─► call.go ── RunService, WebhookEvent ──────►│
//	events.go ◄───────────── FireEvent ─────────────────┘ ─► stored once, starts an App
//
// A [Service] is what an operator asked for, a [State] is what became of it: two values in the bucket
// [Bucket] that all gateways share. An instance of a service is an order without a timeout, so all
// that holds for orders holds for it: it is started once, on one server; its server's long absence ends
// it; its agent's death and update leave it alone. Its end is a reason to start the next one, later
// each time (state.go).
//
// An instance that is to be replaced (another version, other parameters, another server) runs on until
// the new one is ready; then it is shut down, and only after its end are the triggers given to the new
// one, so that no event is fired twice.
//
// # Talk
//
// The gateway that has the agent's session talks with the App (talk.go). All gateways read the same
// values, and what was agreed with the App (which triggers it has) is stored with its instance. So
// another gateway goes on where one has died, and nothing has to be asked. A request that came to
// another gateway is passed on to the one that has the talk; the bodies of requests stay in the memory
// of the gateway that the caller is connected to (package exchange).
//
// # Events
//
// An event is acknowledged to the agent when it is stored, under a name that follows from order, attempt
// and number. So one that comes again is known, and the App that it starts, whose order's id follows
// from the same, is started once.
package services
