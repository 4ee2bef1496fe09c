// Package browser shows pages to Chromium, as their users do, and finds fault with them: errors in its
// console, breaches of a page's policy, requests to other hosts, and barriers for people who do not
// see or point (axe-core).
//
// Debian's chromium and the axe-core of test/run are used; without one of them the test is skipped.
package browser
