// Package need says what a test needs of the machine: root, a program, a user. Where it is missing
// the test is skipped with the reason; with TCENVSVR_CI=1 it fails instead, because a test run that
// leaves things out must not look like one that passed. test/run installs everything and sets it.
package need
