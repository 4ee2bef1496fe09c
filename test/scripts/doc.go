// Package scripts holds what the test scripts of all programs may say besides testscript's own
// words.
//
//	exits CODE PROGRAM ARG…    the program must end with CODE
package scripts
