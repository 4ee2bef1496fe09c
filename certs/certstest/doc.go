// Package certstest makes certificate authorities and what they issue, for the tests of several
// packages.
//
//	root := certstest.New(t)
//	server := root.Issue(t, certstest.Server("localhost"))
package certstest
