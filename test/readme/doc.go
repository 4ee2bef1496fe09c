// Package readme reads the documents of the project for the tests that keep them true.
//
//	renew.go     the parts of a document that are made from tables of the code
//	commands.go  the commands in a document, and how those of README.md are run
//	links.go     the links and headings of a document
//
// The tests are TestREADME… in package test (which documents say what), TestReference in
// cmd/tcenvsvr (the command line), and TestREADME in test/host, which runs the commands of
// README.md as they are written, on a machine with the package.
package readme
