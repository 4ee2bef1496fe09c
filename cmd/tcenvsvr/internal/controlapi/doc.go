// Package controlapi holds what the service and the command line send each other through the
// control socket (package agent/control), as JSON: the bodies of requests and of their answers.
//
//	GET  status           Status
//	POST keychain-unlock  MasterPassword
//	POST reload           Reloaded
//	GET  log-level        LogLevel       POST log-level  LogLevel, answered with the level before
//	POST update           Check
//
// An agent of another release may be at the other end: fields may be added, and readers ignore
// those that they do not know.
package controlapi
