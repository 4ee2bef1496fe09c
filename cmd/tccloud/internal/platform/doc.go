// Package platform answers what Apps ask of their platform, ThreatConnect, where this cloud stands in
// for one (app contract §6): below /api, for a session that package agent/app/api has authenticated.
//
//	GET    /v2/owners, /v2/owners/mine, /v2/owners/{id}, /v2/whoami     the Environment is the organization
//	GET    /v2/types/indicatorTypes[/{name}], /v2/types/associationTypes  tables of package batch
//	POST   /v2/batch, /v2/batch/{id}, /v2/batch/createAndUpload         → package artifact
//	GET    /v2/batch/{id}, /v2/batch/{id}/errors, /v2/batch/{id}/results
//	POST   /v2/exchange/db/{local|organization}/{type}/{id} with DB-Method   → package datastore
//	…      /v2/customMetrics[/{id or name}[/data]]
//	POST   /v2/notifications                                            → package artifact
//	GET    /v3/security/owners, /v3/attributeTypes, /v3/indicators, …   lists, most of them empty
//
// The cloud keeps no intelligence: what an App uploads is judged by itself, counted and kept as an
// artifact of its execution. An execution sees its own batches, its own App's data and metrics, and
// its own Environment, nothing else; whichever owner a batch names is for the platform that the batch
// is posted on to.
//
// Lists are paged by resultStart and resultLimit (at most 10,000, 100 without it). Failures are
// {"status":"Failure","message":"…"}; those of a batch job {"status":"Invalid","description":"…"}.
// No answer holds more than a few MB, and none is made of more than that at a time:
//
//	a batch's content   128 MiB, of JSON or gzip, compressed or not; 1 MiB an entry
//	a data store's record  512 KiB; a notification 64 KiB; everything else 64 KiB
//
//	batch       reads what is uploaded     artifact   keeps it
//	datastore   keeps what Apps store for their next run
package platform
