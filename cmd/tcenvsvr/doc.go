// Made from the commands; UPDATE=1 go test ./cmd/tcenvsvr -run Reference renews it.

// Tcenvsvr is the ThreatConnect Environment Server: the service, its command
// line and the shim of its jobs.
//
//	tcenvsvr
//
//	Tcenvsvr is the ThreatConnect Environment Server: it connects outbound to a
//	Dedicated Cloud, runs Apps in a sandbox when told to, and returns what came of
//	them.
//
//	Exit codes:
//	    0  ok
//	    1  failed
//	    2  wrong command line
//	    3  the Environment Server is not running
//	    4  not permitted
//	    5  settings are not valid
//	    6  not enrolled
//	   75  restart me: the service manager starts the agent again
//	  130  interrupted
//
// # app
//
// Run Apps without a cloud.
//
//	tcenvsvr app
//
//	App is for developers of Apps.
//
//	  tcenvsvr app run my_app.tcx --param name=value
//
// # app run
//
// Run an App here exactly as an order would.
//
//	tcenvsvr app run APP.tcx [flags]
//
//	Run unpacks the App, gives it the parameters, a key-value store and an API as an
//	order would, shows what it prints, and says how it ended: exit code 0 if it succeeded, 1
//	otherwise. No cloud and no enrolment are needed; interpreters and proxies come from
//	the settings of --home if there are any.
//
//	Values in --param are visible to other users of this host in the list of processes;
//	name=@FILE and --param-file keep them out of it.
//
//	  tcenvsvr app run my_app.tcx --param indicator=1.2.3.4
//	  tcenvsvr app run my_app.tcx --param-file params.json --out-variable '#App:1:result!String' --out /tmp/result
//
// # enroll
//
// Connect this host to an Environment by its bundle.
//
//	tcenvsvr enroll FILE
//
//	Enroll reads a bundle that was downloaded from the Dedicated Cloud, checks all
//	of it, and stores its settings and keystore.
//
//	  tcenvsvr enroll threatconnect-envsvr-bundle.zip
//	  tcenvsvr enroll environment.env
//
// # exit-codes
//
// What the exit codes mean.
//
//	tcenvsvr exit-codes
//
//	Exit codes:
//	    0  ok
//	    1  failed
//	    2  wrong command line
//	    3  the Environment Server is not running
//	    4  not permitted
//	    5  settings are not valid
//	    6  not enrolled
//	   75  restart me: the service manager starts the agent again
//	  130  interrupted
//
// # man
//
// Write the manual pages into a folder.
//
//	tcenvsvr man DIR
//
//	Man writes one manual page for each command into DIR.
//
//	  tcenvsvr man /usr/share/man/man1
//
// # run
//
// Run the Environment Server in this terminal.
//
//	tcenvsvr run [flags]
//
//	Run starts the agent in the foreground; the service does the same. The first
//	INT or TERM takes no new orders and lets jobs finish for up to drainSeconds, a second one
//	stops at once. Jobs still running then go on, and the next agent finds them.
//
//	  tcenvsvr run
//	  tcenvsvr run --logLevel debug --queueTransport websocket
//
// # status
//
// Show the connection and the orders in flight.
//
//	tcenvsvr status [flags]
//
//	Status reports what the running agent does: its connection, with the step that
//	failed and why, and its orders.
//
//	  tcenvsvr status
//	  tcenvsvr status --json
//
// # version
//
// Print the version.
//
//	tcenvsvr version [flags]
//
//	Version prints which build of the program this is.
//
//	  tcenvsvr version
//	  tcenvsvr version --json
package main
