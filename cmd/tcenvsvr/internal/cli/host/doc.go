// Package host has the verbs that set a machine up: host apply, check,
// users and remove, which the package's scriptlets call, and setup python and
// java. What they do to a host is in package setup; here is how it is told.
package host
