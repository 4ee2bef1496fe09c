// Package execution is the command "tccloud execution", which shows and cancels executions: a file
// for each of its words.
package execution
