// Package readme reads the documents of the project for the tests that keep them true.
//
//	renew.go     the parts of a document that are made from tables of the code
//	commands.go  the commands in a document
//	plans.go     how each of them is run, or why not
//	links.go     the links and headings of a document
//
// The tests are TestREADME… in package test (which documents say what), TestReference in
// cmd/tcenvsvr (the command line), and TestREADME in test/host and TestREADMEsRun in package test,
// which run the commands as they are written, on machines and in folders.
package readme
