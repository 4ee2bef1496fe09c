package api

// Hints say, for each status that refuses a request of an App, what it means and what to try. They
// are shown in help; Apps show the message in their log.
var Hints = map[int]string{
	400: "the App sent what cannot be read: log entries that are none, a wrongly encoded path, a body that broke off, a batch that is too large",
	401: "the App lost its token: it did not renew it in time, or its execution is over; an App that works longer than its token lives has to renew it",
	403: "the App asked for the variables of another execution, or for what is not passed on to the platform, or the platform does not take the credentials of \"--platform\"",
	404: "there is no such variable, or none of the App's parameters names it, or no such endpoint: threat intelligence is there with \"tccloud serve --platform\"",
	405: "the App uses a method that this endpoint does not have",
	413: "a Playbook variable, a record of the App's data store or a batch of log entries has more bytes than allowed, or the store of the App is full",
	414: "the App asked for a path that is too long",
	502: "the platform that the cloud passes requests on to does not answer, or leads elsewhere",
	503: "the cloud takes no batches now, see \"tccloud status\"; the App may try again",
	500: "what the App asked for cannot be read or written now: see the cloud's log",
}
