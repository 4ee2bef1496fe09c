// Package templates decides which Python Apps start by a fork of a process that has imported their
// libraries already, and keeps these processes. How a template forks is told in package warm below
// agent/job/internal.
//
//	runs of an App within an hour
//	1st     cold
//	2nd     cold; at its end it writes down which bundled modules it had imported
//	3rd     cold; a template is started beside it
//	4th …   warm, as soon as the template is ready
//
// So an App that runs once or twice costs nothing. The list of modules is kept for each version of an
// App and each interpreter; it comes from the App, so it is believed only as names of files that lie
// in deps or lib_* of the App's folder. An agent that starts again has it, and makes the template at
// the App's third run.
//
// A template is for one version of an App, one interpreter, and one set of trusted CAs. When one of
// these changes, the next run finds no template, and the old one ends with its last order. So does
// the one that was not used for longest when together they take more than appsWarmMegabytes, one
// that was idle for an hour, and all when the agent stops: the templates of the agent before this one
// take no orders, and end.
//
// A template that its libraries have made unfit to be forked, or that fails three orders in a row, is
// given up for some time, and [Keeper.Status] says why. Whatever goes wrong with a template, its
// App starts cold. So do all Apps on a kernel without Landlock.
package templates
