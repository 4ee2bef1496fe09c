// Package clitest checks what all our programs' help has in common, command by command: one line
// that fits a list, a sentence that says what the command does, an example, and the exit codes.
package clitest
