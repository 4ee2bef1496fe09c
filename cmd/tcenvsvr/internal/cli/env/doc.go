// Package env is what the commands of tcenvsvr share: the world that they may touch ([Env]).
//
//	env.go       streams, environment variables, and --home
//	become.go    root's process becomes the owner of what a command works on
//	files.go     files named on the command line, which root opens before that
//	unlock.go    the master password: opening the keychain, sealing secrets
//	settings.go  settings as flags, and the settings of the home
//
// Questions to people are in package prompt below.
package env
