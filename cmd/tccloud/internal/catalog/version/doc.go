// Package version tells which of two versions of an App is newer, and which versions a range means.
//
// Publishers choose versions freely; most are three numbers, some are "1.4", "v1.4.0" or a date.
// What has at most three numbers is compared as a semantic version. Everything else ("1.2.3.4",
// "final") is older than all of those, and in no range.
//
// A text is a range where it has an operator, a list or a wildcard; everything else is one version,
// letter by letter: "1.4" is the version 1.4 and not 1.4.2.
//
//	1.x   1.4.*   *            any in the place of the wildcard
//	>=1.2 <2   >=1.2, <2       both hold
//	~1.4                       1.4.0 and up, before 1.5
//	^1.4                       1.4.0 and up, before 2
//	1.2 - 1.4   1.x || 3.x     from and to; one of both
//
// A pre-release (1.5.0-beta) is in a range only where the range names one (>=1.5.0-0).
package version
