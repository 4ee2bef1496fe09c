// Package about holds the verbs that tell what this program is: its version and manual pages.
//
// They read nothing of the host and work without an installation.
package about
