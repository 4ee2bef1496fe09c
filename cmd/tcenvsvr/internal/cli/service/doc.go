// Package service holds the verbs that run the Environment Server.
//
// Run is what the service manager starts: the same agent, in the foreground.
package service
