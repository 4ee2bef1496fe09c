// Package batch reads what Apps upload to /v2/batch: the settings of a batch job, and its content,
// which may be large and is never held in memory as a whole:
//
//	{"indicator": [ {…}, … ], "group": [ {…}, … ], "association": [ … ]}   version V2
//	[ {…}, … ]                                                              version V1, indicators
//
// Each entry is judged by itself, as the platform does it: one with an unknown type, without a
// summary or with a rating that is none is rejected, with the platform's error code and a reason, and
// the others are accepted. After haltOnError the rest is not processed. What is no JSON is an error of
// the batch job, not of the request.
//
//	0x1003  it is no JSON, or an entry is something else than an object with the right types
//	0x1005  an indicator that the platform refuses        0x1006  such a group
//	0x1008  more than 25,000 indicators in one batch job
//
// Whatever it reads, it needs a few times MaxEntry of memory.
package batch
