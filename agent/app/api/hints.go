package api

// Hints say, for each status that refuses a request of an App, what it means and what to try. They
// are shown in help; Apps show the message in their log.
var Hints = map[int]string{
	400: "the App sent what cannot be read: log entries that are none, a wrongly encoded path, a body that broke off",
	401: "the App lost its token: it did not renew it in time, or its execution is over; an App that works longer than its token lives has to renew it",
	403: "the App asked for the variables of another execution",
	404: "there is no such variable, or none of the App's parameters names it, or no such endpoint",
	405: "the App uses a method that this endpoint does not have",
	413: "a Playbook variable or a batch of log entries has more bytes than allowed",
	414: "the App asked for a path that is too long",
	500: "what the App asked for cannot be read or written now: see the cloud's log",
}
