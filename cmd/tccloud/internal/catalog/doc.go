// Package catalog keeps the Apps, and serves to agents what is too large for port 62000 (the HTTPS
// part of agent/link/wire's documentation):
//
//	operator ── .tcx ──► Add: spool ─► checks of agent/app/tcx ─► object store ─► index
//	agent ──► GET  apps/{sha256}                 a file, with ranges
//	      ──► GET  apps/{sha256}/signature       what its publisher signed, or 404
//	      ──► GET  orders/{order}/{n}/params     parameters that do not fit in a frame
//	      ──► HEAD, PUT orders/{order}/{n}/files/{name}   published files, resumable
//
// A signature is kept beside the content and passed on. The cloud does not verify it: it has no
// publisher's key, and a server that asks for signatures believes its own keys only.
//
// An agent authenticates by its appDeliveryToken. It gets every App (they are the same for all),
// but parameters and uploads only for an attempt that belongs to it and has not ended; for any
// other it gets 410.
//
//	blob      Apps by content          upload    files of executions
//	apptoken  tokens of running Apps   appstore  what the endpoints for Apps store
package catalog
