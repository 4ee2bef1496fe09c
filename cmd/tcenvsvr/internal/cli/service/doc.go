// Package service is "tcenvsvr service": commands that ask the host's service manager. start, stop,
// restart and uninstall have no flags and are in service.go. What the service runs is "tcenvsvr
// run".
package service
