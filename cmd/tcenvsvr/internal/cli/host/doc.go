// Package host is "tcenvsvr host": it sets this machine up to run Apps as a sandbox user. The
// package's scriptlets call its commands. What they change is in agent/host/setup; here is how
// their steps are printed (report.go) and what their failures mean.
package host
