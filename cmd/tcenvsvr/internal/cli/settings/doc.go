// Package settings is "tcenvsvr settings": show, get, explain and check read the settings, set and
// unset change the file and reload a running agent. One file is one command. The menu of "tcenvsvr
// configure" is a package of its own and uses the same functions.
//
//	assignments.go  NAME=VALUE, NAME=@FILE and NAME as they are typed
//	save.go         writes changes, and prints when they take effect
//	startable.go    refuses changes after which the agent would not start
//	describe.go     settings as people see them
//
// No secret is ever shown. A secret never stands on a command line, where every user of the host
// would see it: it is asked for, or comes from standard input or a file.
package settings
