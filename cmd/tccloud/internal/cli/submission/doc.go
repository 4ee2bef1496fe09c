// Package submission is what the operator's side does with an order before the cloud gets it, so
// that the cloud need not be believed:
//
//	parameters ──► Seal ──► request ──► cloud: draft ──► Asked.Check ──► Sign ──► request, signed
//	                 ▲                                        ▲             ▲
//	   sealing keys of the servers,                what the operator    operator's key
//	   by CA or fingerprint                        asked for, the
//	                                               local package
//
// The draft is the cloud's: it resolves the version, adds defaults and the platform's parameters.
// [Asked.Check] refuses one that differs from what the operator asked for, and [Report] tells what
// in it is the cloud's word only.
package submission
