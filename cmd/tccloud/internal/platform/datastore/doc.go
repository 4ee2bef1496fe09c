// Package datastore is where Apps keep what they want to know at their next run (/v2/exchange/db):
// records of JSON in types, in one of two domains.
//
//	local          of one App in one Environment
//	organization   of all Apps in one Environment
//
// A scope names the domain with what it belongs to. One scope holds at most MaxRecords records of
// MaxRecord bytes and MaxBytes in all; nothing is removed by age, but with its Environment.
package datastore
