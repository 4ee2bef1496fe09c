// Package service is the shim's part of a service App: the talk with the App on one side (package broker), with
// the agent on the other, and what lies between when one of them is away.
//
//	App                     shim                                   agent
//	 │── Ready, Acknowledged ─►│ dropped if nobody listens ── said ──►│
//	 │── FireEvent, Update… ──►│ spool, synced ─────── seq N, said ──►│
//	 │                         │ forgotten ◄───────────────── taken ──│
//	 │◄── CreateConfig … ──────│◄──────────────────────────── send ───│
//	 │◄── Heartbeat ───────────│ every 10 s
//	 │── Heartbeat{metric} ───►│ remembered ────────────────  state ──►│
//
// Everything else that an App says has no meaning for a service and is counted only, so that no App can
// say what the agent says of it (Lost, State).
//
// An App that has said Ready and answers three heartbeats in a row with nothing is silent, as is one that
// does not get ready in time: its shim ends it. Shutdown asks it to end by itself.
//
// The package is not part of the small shim program, which would pay for it at each start: a shim that gets
// OpService executes tcenvsvr in its place (package shim).
package service
