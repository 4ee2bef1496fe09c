// Package apps holds the Apps that tests, benchmarks and the demo run: small programs in the public
// App contract, none with knowledge of our code. Build makes packages (.tcx) of them; the sources
// are embedded, so it works in any built binary.
//
//	playbook    fileParams; reads and writes Playbook variables of every type
//	job         fileParams; exit 3, results, message, published files, app.log
//	legacy      secureParams; python . PROGRAM
//	legacy-cli  the same with plain arguments
//	stubborn    detached descendants, ignores TERM
//	flood       prints 1 GiB
//	workers     multiprocessing, a handler of TERM, and a process that is left behind
//	java        fileParams, key-value API, a log of its own name; built with the JDK when it is asked for
//	java-cli    the same with system properties
//	framework   imports as much as Apps with a framework do: Debian's libraries and a package that is generated
//	framework-source  the same, with bytecode hidden from Python
//	java-http   an HTTP client, two JSON libraries from Debian and a server for them to talk with
//	service-api, -feed, -trigger, -webhook  a service of each kind, built like those of TcEx 4
//	service-paho  an API service whose MQTT client is Debian's paho-mqtt 1.x, as that of TcEx 2 and 3 is
//	service-java  an API service in Java; Debian has no Eclipse Paho for Java, so it speaks MQTT itself
//	noop        nothing at all
//	sleep       leaves a unique mark for each start
//	probe       tries what an App must not be able to do
//	hostile     puts links, pipes and the like where the agent works
//	stranger    tries to get at another App, at the agent and out of its world; and is that other App
//	hungry      takes as much memory and as many processes as it is told to
//	ordinary    names, certificates, proxy, processes, shared memory, files: what Apps do on a host
//	ordinary-java  the same in Java
//
// The Python Apps share shared/tc.py, the contract in 200 lines without libraries. Each
// install.json says which parameters there are. framework and java-http are as heavy as Apps of
// customers, to measure starts with; where Debian's packages are missing they cannot be built
// (ErrNoLibraries).
package apps
