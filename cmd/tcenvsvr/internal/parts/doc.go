// Package parts makes, from the settings, what the service and commands of tcenvsvr have in common,
// so that a command such as "doctor" or "app run" tries exactly what the service uses:
//
//	jobs.go      the executor of jobs, as the sandbox user (apart_unix.go: who is not the agent's user)
//	apps.go      what every App is told: API, proxy, interpreters
//	trust.go     the places that CAs come from, and the proof that the sandbox user can read them
//	dialer.go    how the cloud is reached: directly or through the proxy
//	identity.go  the keystore with the certificate of this server
//
// What only the service needs is in package daemon, which nobody imports but the command that runs
// it.
package parts
